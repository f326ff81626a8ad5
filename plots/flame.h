/*
 * Stacks that allocated, of one process or several, as a page, as lines of text, or for speedscope.
 * They come from memprof/heap/flame_tree.h; names are UTF-8 that can be shown as it is.
 */
#ifndef PLOTS_FLAME_H
#define PLOTS_FLAME_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "memprof/heap/flame_tree.h"

enum flame_view { FLAME_PEAK, FLAME_LEFT, FLAME_ALLOCATED, FLAME_VIEWS };

/* Of one number in nodes. Where its file is "" it is a thread. */
struct flame_function {
    uint32_t file; /* which of the files */
    const char *name;
};

struct flame_process {
    const char *name;
    size_t n_files, n_functions, n_nodes;
    const char *const *files;
    const struct flame_function *functions; /* the first, FLAME_NO_PYTHON, is not looked at */
    const struct flame_node *nodes;         /* the first is the root */
};

/* Borrowed, as all that it holds. */
struct flame {
    const char *title, *subtitle;
    enum flame_view first; /* that a page shows */
    size_t n_processes;    /* 1 or more */
    const struct flame_process *processes;
};

static inline uint64_t flame_bytes(const struct heap_sums *sums, enum flame_view view)
{
    return view == FLAME_PEAK   ? sums->at_peak_bytes
           : view == FLAME_LEFT ? sums->left_bytes
                                : sums->allocated_bytes;
}

/* "peak", "left", "allocated" */
const char *flame_view_name(enum flame_view view);

/*
 * A page that needs nothing else: three views, as icicle and table. Of more than FLAME_PAGE_NODES
 * nodes those with the largest shares, and for each the sum of the others below it. 0, -ENOMEM, or
 * -EIO of the stream.
 */
#define FLAME_PAGE_NODES 30000
int flame_page_write(FILE *out, const struct flame *flame);

/*
 * A line for each stack that has some: `function (file.py:line);function (file.py:line) bytes`, the
 * innermost last, below its process where there are several. As above.
 */
int flame_stacks_write(FILE *out, const struct flame *flame, enum flame_view view);

/* The file format of speedscope, version 0.0.1: a profile for each view. As above. */
int flame_json_write(FILE *out, const struct flame *flame);

#endif
