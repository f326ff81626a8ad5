/*
 * Stacks that allocate, as a tree of calls: a node is an instruction (a code by its number, an
 * offset in it) under the node that called it. It knows no Python: codes and offsets are the
 * caller's.
 *
 * Nodes have dense numbers that stay, below alloc_tree_count(); a parent's is less than its
 * children's. Owners stay where they are. Node 0 is none: it owns nothing. Two roots are there from
 * the start, of code 0 (which no other node may have) with their own numbers as offsets; others of
 * the same two offsets may follow (alloc_tree_new_roots()), under which all begins anew.
 *
 * Budget: beyond max_nodes, or without memory, a child is its parent, and n_over_budget counts
 * these answers.
 *
 * Folding: where a code stands ALLOC_TREE_RUN times in a row or more, another call of it in itself
 * is no new node where one of the same offset is in that row already, and all offsets between the
 * two are also found above that one. So recursion of any depth and shape has a bounded number of
 * nodes, the set of instructions of a stack stays what it was, and with it the numbers of each
 * line, own and inclusive; only the depth is lost.
 *
 * One writer at a time, and none while a report is made.
 */
#ifndef MEMPROF_ALLOC_TREE_H
#define MEMPROF_ALLOC_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/heap/heap_ledger.h"

enum {
    ALLOC_NONE = 0,      /* not followed */
    ALLOC_NO_PYTHON = 1, /* threads that run no Python */
    ALLOC_PYTHON = 2,    /* the caller of the outermost frames; owns what the budget refused them */
    ALLOC_ROOTS = 3      /* the first number of all others */
};

#define ALLOC_TREE_RUN 8
#define ALLOC_TREE_ROW 32
#define ALLOC_TREE_DEFAULT_NODES (UINT32_C(1) << 20)
#define ALLOC_TREE_MOST_NODES (UINT32_C(1) << 21) /* as many as shadow.h can tell apart */
#define ALLOC_CHUNK_SHIFT 12
#define ALLOC_CHUNK_NODES (1 << ALLOC_CHUNK_SHIFT)

struct alloc_key {
    uint32_t parent, code, offset;
};

struct alloc_chunk {
    struct heap_owner owners[ALLOC_CHUNK_NODES];
    struct alloc_key keys[ALLOC_CHUNK_NODES];
};

struct alloc_tree {
    uint32_t n_nodes, max_nodes; /* roots and none included */
    uint32_t n_slots;            /* of the table, a power of two */
    uint32_t *slots;             /* owned; key -> node */
    uint32_t roots[ALLOC_ROOTS]; /* the nodes that are now ALLOC_NO_PYTHON and ALLOC_PYTHON */
    uint32_t n_roots;
    uint64_t n_over_budget;
    uint64_t n_folded; /* answers that were a node further up */
    struct alloc_chunk *chunks[ALLOC_TREE_MOST_NODES >> ALLOC_CHUNK_SHIFT]; /* owned */
};

/*
 * max_nodes: 0 is the default; more than ALLOC_TREE_MOST_NODES are that many. NULL without memory.
 */
struct alloc_tree *alloc_tree_new(uint32_t max_nodes);
void alloc_tree_free(struct alloc_tree *tree); /* NULL is nothing */

/*
 * The node of an instruction that was called by `parent`; made where there is none. A child of
 * ALLOC_NONE is ALLOC_NONE. Code is not 0.
 */
uint32_t alloc_tree_child(struct alloc_tree *tree, uint32_t parent, uint32_t code, uint32_t offset);

/*
 * Two more roots, for stacks from now on: the nodes from here on are theirs. The first one, or
 * ALLOC_NONE where there is no room.
 */
uint32_t alloc_tree_new_roots(struct alloc_tree *tree);

static inline uint32_t alloc_tree_count(const struct alloc_tree *tree)
{
    return tree->n_nodes;
}

/* Node is below alloc_tree_count(). */
static inline struct heap_owner *alloc_tree_owner(const struct alloc_tree *tree, uint32_t node)
{
    struct alloc_chunk *chunk = tree->chunks[node >> ALLOC_CHUNK_SHIFT];

    return &chunk->owners[node & (ALLOC_CHUNK_NODES - 1)];
}

static inline const struct alloc_key *alloc_tree_key(const struct alloc_tree *tree, uint32_t node)
{
    const struct alloc_chunk *chunk = tree->chunks[node >> ALLOC_CHUNK_SHIFT];

    return &chunk->keys[node & (ALLOC_CHUNK_NODES - 1)];
}

/* Bytes of the tree that are resident, at most: stacks count that never allocated. */
size_t alloc_tree_bytes(const struct alloc_tree *tree);

#endif
