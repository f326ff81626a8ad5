#include "memprof/heap/alloc_tree.h"

#include "memprof/machine/pages.h"

#include <stdbool.h>
#include <string.h>

#define FIRST_SLOTS 1024
#define NODE_BITS 21
#define NODE_MASK ((UINT32_C(1) << NODE_BITS) - 1)

_Static_assert(ALLOC_TREE_MOST_NODES <= NODE_MASK + 1, "a slot holds a node and bits of its hash");

static uint64_t hash_of(const struct alloc_key *key)
{
    uint64_t hash = (uint64_t)key->parent << 32 | key->code;

    hash = (hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 32 ^ key->offset) * UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}

/* What a slot of the node holds: most others differ from it without a look at their keys. */
static uint32_t slot_of(uint64_t hash, uint32_t node)
{
    return (uint32_t)(hash >> 32) << NODE_BITS | node;
}

static bool same_key(const struct alloc_key *a, const struct alloc_key *b)
{
    return a->parent == b->parent && a->code == b->code && a->offset == b->offset;
}

/* Where the key stands, or would stand. */
static uint32_t *find_slot(const struct alloc_tree *tree, const struct alloc_key *key,
                           uint64_t hash)
{
    uint32_t tag = slot_of(hash, 0), mask = tree->n_slots - 1;

    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &tree->slots[at];

        if (*slot == 0)
            return slot;
        if ((*slot & ~NODE_MASK) == tag && same_key(alloc_tree_key(tree, *slot & NODE_MASK), key))
            return slot;
    }
}

static struct alloc_key *key_to_write(struct alloc_tree *tree, uint32_t node)
{
    return &tree->chunks[node >> ALLOC_CHUNK_SHIFT]->keys[node & (ALLOC_CHUNK_NODES - 1)];
}

static bool slots_grow(struct alloc_tree *tree)
{
    size_t before = tree->n_slots * sizeof *tree->slots;
    uint32_t *old = tree->slots, *slots = pages_map(2 * before);

    if (slots == NULL)
        return false;
    tree->slots = slots;
    tree->n_slots *= 2;
    for (uint32_t node = ALLOC_ROOTS; node < tree->n_nodes; node++) {
        const struct alloc_key *key = alloc_tree_key(tree, node);
        uint64_t hash = hash_of(key);

        if (key->code != 0)
            *find_slot(tree, key, hash) = slot_of(hash, node);
    }
    pages_unmap(old, before);
    return true;
}

static bool has_room(struct alloc_tree *tree)
{
    struct alloc_chunk **chunk = &tree->chunks[tree->n_nodes >> ALLOC_CHUNK_SHIFT];

    if (tree->n_nodes >= tree->max_nodes)
        return false;
    if (*chunk == NULL)
        *chunk = pages_map(sizeof **chunk);
    if (*chunk == NULL)
        return false;
    return tree->n_nodes < tree->n_slots / 4 * 3 || slots_grow(tree);
}

struct alloc_tree *alloc_tree_new(uint32_t max_nodes)
{
    struct alloc_tree *tree = pages_map(sizeof *tree);

    if (tree == NULL)
        return NULL;
    tree->max_nodes = max_nodes == 0 ? ALLOC_TREE_DEFAULT_NODES : max_nodes;
    if (tree->max_nodes > ALLOC_TREE_MOST_NODES)
        tree->max_nodes = ALLOC_TREE_MOST_NODES;
    if (tree->max_nodes < ALLOC_ROOTS)
        tree->max_nodes = ALLOC_ROOTS;
    tree->n_slots = FIRST_SLOTS;
    tree->slots = pages_map(FIRST_SLOTS * sizeof *tree->slots);
    tree->chunks[0] = pages_map(sizeof *tree->chunks[0]);
    if (tree->slots == NULL || tree->chunks[0] == NULL) {
        alloc_tree_free(tree);
        return NULL;
    }
    tree->n_nodes = ALLOC_NO_PYTHON;
    alloc_tree_new_roots(tree);
    return tree;
}

void alloc_tree_free(struct alloc_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < sizeof tree->chunks / sizeof tree->chunks[0]; i++)
        pages_unmap(tree->chunks[i], sizeof *tree->chunks[i]);
    pages_unmap(tree->slots, tree->n_slots * sizeof *tree->slots);
    pages_unmap(tree, sizeof *tree);
}

static bool has_offset(const uint32_t *offsets, int n, uint32_t offset)
{
    for (int i = 0; i < n; i++)
        if (offsets[i] == offset)
            return true;
    return false;
}

/* The node in the row of this code, ending at the parent, that a child folds onto, or ALLOC_NONE.
 */
static uint32_t folded_onto(const struct alloc_tree *tree, const struct alloc_key *child)
{
    uint32_t nodes[ALLOC_TREE_ROW], offsets[ALLOC_TREE_ROW], node = child->parent;
    int n = 0, same = 0;

    for (; n < ALLOC_TREE_ROW; n++) {
        const struct alloc_key *key = alloc_tree_key(tree, node);

        if (key->code != child->code)
            break;
        nodes[n] = node;
        offsets[n] = key->offset;
        node = key->parent;
    }
    if (n < ALLOC_TREE_RUN)
        return ALLOC_NONE;
    while (same < n && offsets[same] != child->offset)
        same++;
    if (same == n)
        return ALLOC_NONE;
    for (int between = 0; between < same; between++)
        if (!has_offset(offsets + same + 1, n - same - 1, offsets[between]))
            return ALLOC_NONE;
    return nodes[same];
}

uint32_t alloc_tree_child(struct alloc_tree *tree, uint32_t parent, uint32_t code, uint32_t offset)
{
    const struct alloc_key key = {.parent = parent, .code = code, .offset = offset};
    uint64_t hash = hash_of(&key);
    uint32_t node = *find_slot(tree, &key, hash) & NODE_MASK;

    if (node != ALLOC_NONE || parent == ALLOC_NONE)
        return node;
    node = folded_onto(tree, &key);
    if (node != ALLOC_NONE) {
        tree->n_folded++;
        return node;
    }
    if (!has_room(tree)) {
        tree->n_over_budget++;
        return parent;
    }
    node = tree->n_nodes++;
    *key_to_write(tree, node) = key;
    *find_slot(tree, &key, hash) = slot_of(hash, node);
    return node;
}

uint32_t alloc_tree_new_roots(struct alloc_tree *tree)
{
    uint32_t first = tree->n_nodes;

    for (uint32_t root = ALLOC_NO_PYTHON; root < ALLOC_ROOTS; root++) {
        if (!has_room(tree)) {
            tree->n_nodes = first;
            return ALLOC_NONE;
        }
        *key_to_write(tree, tree->n_nodes++) = (struct alloc_key){.offset = root};
    }
    for (uint32_t root = ALLOC_NO_PYTHON; root < ALLOC_ROOTS; root++)
        tree->roots[root] = first + root - ALLOC_NO_PYTHON;
    tree->n_roots += ALLOC_ROOTS - ALLOC_NO_PYTHON;
    return first;
}

size_t alloc_tree_bytes(const struct alloc_tree *tree)
{
    size_t chunks = tree->n_nodes >> ALLOC_CHUNK_SHIFT;
    size_t more = tree->n_nodes & (ALLOC_CHUNK_NODES - 1);

    return pages_round(offsetof(struct alloc_tree, chunks[chunks + 1])) +
           tree->n_slots * sizeof *tree->slots + chunks * sizeof *tree->chunks[0] +
           pages_round(more * sizeof(struct heap_owner)) +
           pages_round(more * sizeof(struct alloc_key));
}
