/*
 * A box of line_box.h as a dead process left it. Anybody may have written it: all is checked. What
 * it says is right up to the one event that each thread was in when it died.
 */
#ifndef MEMPROF_LINE_BOX_READER_H
#define MEMPROF_LINE_BOX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/lines/line_table.h"

/* A table, with what its calls that were running have not put into it. */
struct line_box_function {
    const struct line_table *table; /* in the bytes that were read; n_rows is checked */
    const char *name;               /* likewise, without a NUL; NULL: not told */
    size_t name_length;
    int64_t open_bytes; /* memory added by running outermost calls, up to the lines they were on */
    int64_t open_outermost; /* of these, by calls that no other function of the box had made */
    /* Of the stack that is looked through: */
    int64_t entry, start;
    size_t seen_in;
};

/* A thread that was in a watched function. */
struct line_box_running {
    uint64_t thread;
    size_t function; /* index */
    int64_t line;
};

struct line_box_view {
    const char *head; /* in the bytes that were read; NULL: not told */
    size_t head_length;
    int64_t pid;
    uint64_t n_missing;                  /* tables, names and stacks for which there was no room */
    int last_error;                      /* why, as -errno */
    bool was_cut;                        /* counting began anew: what was before is lost */
    struct line_box_function *functions; /* owned, as all arrays; in order of decoration */
    size_t n_functions;
    struct line_box_running *running;
    size_t n_running;
};

/*
 * Reads a box from bytes at a multiple of 8, which must outlive the view. 0, -ENOMEM, or -EINVAL:
 * it is no box. The caller releases the view in any case.
 */
int line_box_read(struct line_box_view *view, const void *bytes, size_t size);
void line_box_view_release(struct line_box_view *view);

/* What outermost calls added until they ended, or until now. */
int64_t line_box_segments(const struct line_box_function *function);

/* Of these, what calls added that no other function of the box had made. */
int64_t line_box_outermost(const struct line_box_function *function);

/* What the increments add up to beside the ledger: of an event that had begun. */
int64_t line_box_in_flight(const struct line_box_function *function);

#endif
