#include "memprof/heap/flame_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "memprof/machine/pages.h"

/* What is needed while nodes are merged. */
struct merge {
    struct flame_tree *tree;
    uint32_t *slots; /* by parent, function and line: a node of the tree, or 0 */
    size_t n_slots;  /* a power of two */
    uint32_t *node;  /* of a node of the log: that of the tree */
};

static size_t power_of_two(size_t least)
{
    size_t power = 64;

    while (power < least)
        power *= 2;
    return power;
}

static size_t slot_of(const struct merge *merge, const struct flame_node *wanted)
{
    const struct flame_node *nodes = merge->tree->nodes;
    uint64_t hash =
        ((uint64_t)wanted->parent << 32 | wanted->function) * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(((hash >> 29) ^ wanted->line) * UINT64_C(0xBF58476D1CE4E5B9) >> 20);

    for (at &= merge->n_slots - 1; merge->slots[at] != 0; at = (at + 1) & (merge->n_slots - 1)) {
        const struct flame_node *node = &nodes[merge->slots[at]];

        if (node->parent == wanted->parent && node->function == wanted->function &&
            node->line == wanted->line)
            break;
    }
    return at;
}

static uint32_t child_of(struct merge *merge, uint32_t parent, uint64_t place)
{
    struct flame_node wanted = {
        .parent = parent, .function = (uint32_t)(place >> 32), .line = (uint32_t)place};
    size_t at = slot_of(merge, &wanted);

    if (merge->slots[at] == 0) {
        merge->tree->nodes[merge->tree->n] = wanted;
        merge->slots[at] = (uint32_t)merge->tree->n++;
    }
    return merge->slots[at];
}

/* That of a node of the log whose parent's is known. */
static uint32_t merged(struct merge *merge, const struct alloc_key *key, alloc_place_of *place_of,
                       void *context)
{
    if (key->code == 0)
        return key->offset == ALLOC_PYTHON ? 0 : child_of(merge, 0, FLAME_NO_PYTHON);
    return child_of(merge, merge->node[key->parent], place_of(context, key->code, key->offset));
}

static bool merge_make(struct merge *merge, size_t n)
{
    merge->n_slots = power_of_two(2 * n);
    merge->tree->bytes = (n + 1) * sizeof *merge->tree->nodes;
    merge->tree->nodes = pages_map(merge->tree->bytes);
    merge->slots = pages_map(merge->n_slots * sizeof *merge->slots);
    merge->node = pages_map(n * sizeof *merge->node);
    merge->tree->n = 1;
    return merge->tree->nodes != NULL && merge->slots != NULL && merge->node != NULL;
}

int flame_tree_make(struct flame_tree *tree, const struct alloc_view *view,
                    alloc_place_of *place_of, void *context)
{
    uint32_t n = alloc_tree_count(view->tree);
    uint32_t node = view->span == NULL ? 1 : view->span->first_node;
    struct merge merge = {.tree = tree};
    int error = 0;

    memset(tree, 0, sizeof *tree);
    if (!merge_make(&merge, n))
        error = -ENOMEM;
    for (; error == 0 && node < n; node++) {
        struct heap_sums own;

        merge.node[node] = merged(&merge, alloc_tree_key(view->tree, node), place_of, context);
        alloc_view_own(view, node, &own);
        heap_sums_add(&tree->nodes[merge.node[node]].own, &own);
    }
    pages_unmap(merge.slots, merge.n_slots * sizeof *merge.slots);
    pages_unmap(merge.node, n * sizeof *merge.node);
    if (error != 0)
        flame_tree_release(tree);
    return error;
}

void flame_tree_release(struct flame_tree *tree)
{
    pages_unmap(tree->nodes, tree->bytes);
    memset(tree, 0, sizeof *tree);
}

void flame_nodes_inclusive(const struct flame_node *nodes, size_t n, struct heap_sums *sums)
{
    memset(sums, 0, n * sizeof *sums);
    for (size_t i = n; i-- > 0;) {
        heap_sums_add(&sums[i], &nodes[i].own);
        if (i > 0)
            heap_sums_add(&sums[nodes[i].parent], &sums[i]);
    }
}
