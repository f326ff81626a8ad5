/*
 * Line tables, and the lines that run, in a black box: after a crash they can be read as they were.
 *
 * Tables that are kept until the end lie in the box, as do what threads' frames have not put into
 * them yet (struct line_open). What they are called follows in texts. Without room they are where
 * they would be without a box: nothing but the view after a crash is poorer.
 */
#ifndef MEMPROF_LINE_BOX_H
#define MEMPROF_LINE_BOX_H

#include <stdbool.h>

#include "memprof/lines/line_engine.h"
#include "memprof/lines/line_open.h"
#include "memprof/machine/black_box.h"

/* Kinds of records. */
enum line_box_kind {
    LINE_BOX_HEAD = 1, /* text: what is to be said of the process */
    LINE_BOX_TABLE,    /* struct line_table, with its rows */
    LINE_BOX_NAME,     /* struct line_box_name and a text: what a table is called */
    LINE_BOX_STACK,    /* struct line_box_stack; a later one with the same slot replaces it */
    LINE_BOX_GONE,     /* a table that nobody wants any more */
};

struct line_box_name {
    uint64_t table; /* its address in the process */
};

/* Threads come and go; a slot is used again. */
struct line_box_stack {
    uint64_t thread; /* the system's number */
    uint32_t slot;
    uint32_t capacity;
    struct line_open opens[];
};

/* Everything that is needed to begin a table anew: the box's own may be lost. */
struct line_box_table {
    struct line_table *table;
    int first_line, n_rows;
};

struct line_box {
    struct black_box box;
    struct line_engine *engine; /* which has this box */
    void (*lost)(struct line_engine *engine);
    struct line_box_table *tables;
    size_t n_tables, capacity;
};

/*
 * A box in memory, from now on the engine's. lost() is called when some of what is in it was lost,
 * perhaps by a signal handler. 0 or -errno.
 */
int line_box_init(struct line_box *box, struct line_engine *engine,
                  void (*lost)(struct line_engine *engine));
void line_box_release(struct line_box *box);

/* From here on where a box is wanted NULL is one without room. */

/* As line_table_new(); in memory of its own where the box has no room. */
struct line_table *line_box_table_new(struct line_box *box, int first_line, int n_rows);
void line_box_table_free(struct line_box *box, struct line_table *table);

/* Room for what the frames of a stack have open, zeroed; NULL: there is none. */
struct line_open *line_box_opens(struct line_box *box, uint32_t slot, uint32_t capacity,
                                 uint64_t thread);

/* Makes room for it, so that line_box_opens() needs no memory: it is taken out of all numbers. */
void line_box_prepare_opens(struct line_box *box, uint32_t capacity);

/* All that lie in the box are as new. */
void line_box_clear_tables(struct line_box *box);

/* Whether it lies in the box. */
bool line_box_has(const struct line_box *box, const void *address);

/* A stack in the box belongs to another thread from now on. */
void line_box_tell_thread(struct line_box *box, struct line_open *opens, uint64_t thread);

/* What the process, or a table that lies in the box, is called: the latest is taken. */
void line_box_tell_head(struct line_box *box, const char *text, size_t length);
void line_box_tell_name(struct line_box *box, const struct line_table *table, const char *text,
                        size_t length);

#endif
