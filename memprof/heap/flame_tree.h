/*
 * Stacks of a log as people see them: frames are functions and lines, and what differs in nothing
 * else is one. To be drawn, or written for another program.
 *
 * Node 0 is the root, and owns what Python allocates without a frame. A parent's number is less
 * than its children's. Functions are the caller's numbers, from 1 on; FLAME_NO_PYTHON is that of
 * threads that run no Python.
 */
#ifndef MEMPROF_FLAME_TREE_H
#define MEMPROF_FLAME_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/heap/alloc_rows.h"

#define FLAME_NO_PYTHON 0

struct flame_node {
    uint32_t parent, function, line;
    uint32_t n_folded; /* of a sum of nodes: how many */
    struct heap_sums own;
};

struct flame_tree {
    size_t n;
    struct flame_node *nodes; /* owned, by bytes of a mapping */
    size_t bytes;
};

/*
 * place_of() as in alloc_rows.h, with functions in the place of files; what has no lines is a frame
 * as well, of line 0. 0 or -ENOMEM, the tree being empty then. Release it with
 * flame_tree_release().
 */
int flame_tree_make(struct flame_tree *tree, const struct alloc_view *view,
                    alloc_place_of *place_of, void *context);
void flame_tree_release(struct flame_tree *tree);

/*
 * From own sums to those of each node and all below it; sums[node], for n nodes whose parents come
 * before them.
 */
void flame_nodes_inclusive(const struct flame_node *nodes, size_t n, struct heap_sums *sums);

#endif
