#include "memprof/heap/alloc_span.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

int alloc_span_begin(struct alloc_span **spans, struct alloc_tree *tree, struct alloc_span **span)
{
    struct alloc_span *made = pages_map(sizeof *made);

    if (made == NULL)
        return -ENOMEM;
    made->most_nodes = tree->max_nodes - tree->n_nodes;
    made->kept = pages_map((size_t)made->most_nodes * sizeof *made->kept);
    made->first_node = made->kept == NULL ? ALLOC_NONE : alloc_tree_new_roots(tree);
    if (made->first_node == ALLOC_NONE) {
        alloc_span_free(made);
        return -ENOMEM;
    }
    heap_ledger_init(&made->ledger);
    made->next = *spans;
    *spans = *span = made;
    return 0;
}

void alloc_span_end(struct alloc_span **spans, const struct alloc_span *span)
{
    while (*spans != NULL && *spans != span)
        spans = &(*spans)->next;
    if (*spans != NULL)
        *spans = span->next;
}

void alloc_span_free(struct alloc_span *span)
{
    if (span == NULL)
        return;
    pages_unmap(span->kept, (size_t)span->most_nodes * sizeof *span->kept);
    pages_unmap(span, sizeof *span);
}

static bool has_node(const struct alloc_span *span, uint32_t node)
{
    return node >= span->first_node;
}

static void keep(struct alloc_span *span, const struct alloc_tree *tree, uint32_t node)
{
    const struct heap_owner *owner = alloc_tree_owner(tree, node);
    struct alloc_kept *kept = &span->kept[node - span->first_node];

    if (kept->epoch == span->ledger.epoch)
        return;
    kept->epoch = span->ledger.epoch;
    kept->bytes = owner->bytes - owner->freed;
    kept->blocks = owner->count - owner->freed_blocks;
}

void alloc_spans_alloc(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                       size_t n)
{
    for (struct alloc_span *span = spans; span != NULL; span = span->next)
        if (has_node(span, node) &&
            heap_ledger_rise(&span->ledger, alloc_tree_owner(tree, node), n))
            keep(span, tree, node);
}

void alloc_spans_free(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                      size_t n)
{
    for (struct alloc_span *span = spans; span != NULL; span = span->next) {
        if (!has_node(span, node))
            continue;
        heap_ledger_fall(&span->ledger, n);
        keep(span, tree, node);
    }
}

void alloc_spans_undo(struct alloc_span *spans, uint32_t node, size_t n)
{
    for (struct alloc_span *span = spans; span != NULL; span = span->next)
        if (has_node(span, node))
            heap_ledger_unrise(&span->ledger, n);
}

void alloc_spans_put_back(struct alloc_span *spans, const struct alloc_tree *tree, uint32_t node,
                          size_t n)
{
    for (struct alloc_span *span = spans; span != NULL; span = span->next)
        if (has_node(span, node) && heap_ledger_unfall(&span->ledger, n))
            keep(span, tree, node);
}

void alloc_view_own(const struct alloc_view *view, uint32_t node, struct heap_sums *sums)
{
    const struct alloc_span *span = view->span;
    const struct alloc_kept *kept;

    if (span != NULL && !has_node(span, node)) {
        memset(sums, 0, sizeof *sums);
        return;
    }
    heap_owner_sums(alloc_tree_owner(view->tree, node), view->ledger, sums);
    if (span == NULL)
        return;
    kept = &span->kept[node - span->first_node];
    if (!span->ledger.climbing && kept->epoch == span->ledger.epoch) {
        sums->at_peak_bytes = kept->bytes;
        sums->at_peak_blocks = kept->blocks;
    } else {
        sums->at_peak_bytes = sums->left_bytes;
        sums->at_peak_blocks = sums->left_blocks;
    }
}

void alloc_view_sums(const struct alloc_view *view, struct heap_sums *sums)
{
    uint32_t first = view->span == NULL ? ALLOC_NO_PYTHON : view->span->first_node;
    struct heap_sums own;

    memset(sums, 0, sizeof *sums);
    for (uint32_t node = first; node < alloc_tree_count(view->tree); node++) {
        alloc_view_own(view, node, &own);
        heap_sums_add(sums, &own);
    }
}

size_t alloc_spans_bytes(const struct alloc_span *spans, const struct alloc_tree *tree)
{
    size_t bytes = 0;

    for (; spans != NULL; spans = spans->next)
        bytes += pages_round(sizeof *spans) +
                 pages_round((alloc_tree_count(tree) - spans->first_node) * sizeof *spans->kept);
    return bytes;
}
