/*
 * From stacks to lines, at the report: what each line has, in time that grows with the
 * number of nodes.
 *
 * Own is what a line allocated itself: the sums over the nodes that stand on it. Inclusive is that
 * of all stacks that it stands in, each once, however often it stands there (a call that recurses
 * has the numbers of all deeper levels). The sums of own over all rows are alloc_view_sums().
 */
#ifndef MEMPROF_ALLOC_ROWS_H
#define MEMPROF_ALLOC_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/heap/alloc_span.h"

/* Sorted by file, then line. The roots are rows of file 0 with their offsets as lines. */
struct alloc_rows {
    size_t n;
    uint32_t *files, *lines;
    struct heap_sums *inclusive, *own;
    void *memory; /* owned: all of the above */
    size_t memory_bytes;
};

#define ALLOC_PLACE_OF_CALLER UINT64_MAX

/*
 * Where an instruction stands: a number of the caller's for what has lines (a file, from 1 on), in
 * the upper half, and a line in it. Not asked of the roots. ALLOC_PLACE_OF_CALLER: it has no lines,
 * and stands where its caller does.
 */
typedef uint64_t alloc_place_of(void *context, uint32_t code, uint32_t offset);

/* That of a node, its caller's where it has no lines; of a root its offset, in file 0. */
uint64_t alloc_place_of_node(const struct alloc_tree *tree, uint32_t node, alloc_place_of *place_of,
                             void *context);

/* 0 or -ENOMEM, rows being empty then. Release them with alloc_rows_release(). */
int alloc_rows_make(struct alloc_rows *rows, const struct alloc_view *view,
                    alloc_place_of *place_of, void *context);
void alloc_rows_release(struct alloc_rows *rows);

/* The sums of each node and all below it; sums[node], for n nodes. */
struct alloc_subtotals {
    size_t n;
    struct heap_sums *sums; /* owned */
};

/* 0 or -ENOMEM. Release them with alloc_subtotals_release(). */
int alloc_subtotals_make(struct alloc_subtotals *subtotals, const struct alloc_view *view);
void alloc_subtotals_release(struct alloc_subtotals *subtotals);

#endif
