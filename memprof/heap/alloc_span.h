/*
 * What is allocated from some instant on, beside what was counted before: a span has a ledger of
 * its own, and any number of spans may lie in each other or overlap.
 *
 * Where a span begins the tree gets new roots. So a block's node says whether it is of the span
 * (that is first_node, or later), and blocks from before count nothing when they are freed. Owners
 * are shared: whoever changes one tells the spans first. What an owner had at a span's peak stands
 * beside it, as heap_owner.kept does.
 *
 * One writer at a time.
 */
#ifndef MEMPROF_ALLOC_SPAN_H
#define MEMPROF_ALLOC_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/heap/alloc_tree.h"
#include "memprof/heap/heap_ledger.h"

/* What an owner had at the peak of `epoch`. */
struct alloc_kept {
    uint64_t bytes, blocks;
    uint64_t epoch;
};

struct alloc_span {
    struct alloc_span *next;
    uint32_t first_node;
    uint32_t most_nodes; /* that `kept` has room for */
    struct heap_ledger ledger;
    struct alloc_kept *kept; /* owned: of node first_node + i */
};

/* Whose numbers are meant: those of a span, or where that is NULL of all the ledger has counted. */
struct alloc_view {
    const struct alloc_tree *tree;
    const struct heap_ledger *ledger;
    const struct alloc_span *span;
};

/* Begins under new roots: *span is one more of the list. 0 or -ENOMEM, also where the tree is
 * full. */
int alloc_span_begin(struct alloc_span **spans, struct alloc_tree *tree, struct alloc_span **span);

/* It is told nothing more; one that is not in the list is not touched. */
void alloc_span_end(struct alloc_span **spans, const struct alloc_span *span);
void alloc_span_free(struct alloc_span *span); /* NULL is nothing */

/* Each of the list is told what heap_ledger_alloc() and its relatives are about to write. */
void alloc_spans_alloc(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                       size_t n);
void alloc_spans_free(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                      size_t n);
void alloc_spans_undo(struct alloc_span *spans, uint32_t node, size_t n);
void alloc_spans_put_back(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                          size_t n);

/* The ledger that a view is of. */
static inline const struct heap_ledger *alloc_view_ledger(const struct alloc_view *view)
{
    return view->span == NULL ? view->ledger : &view->span->ledger;
}

/* The numbers of a node, without those below it. */
void alloc_view_own(const struct alloc_view *view, uint32_t node, struct heap_sums *sums);

/* The numbers of the whole: the sums over all nodes. */
void alloc_view_sums(const struct alloc_view *view, struct heap_sums *sums);

/* Bytes of all spans of a list that are resident, at most. */
size_t alloc_spans_bytes(const struct alloc_span *spans, const struct alloc_tree *tree);

#endif
