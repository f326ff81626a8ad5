/*
 * Who refers to whom: nodes numbered from 0 on, each with its bytes and the nodes that it refers
 * to, built one after the other; the last is the root, from which all the rest is held.
 *
 * Memory is past malloc(): 12 bytes a node and 4 a reference. Threads: one user at a time.
 */
#ifndef MEMPROF_OBJECT_GRAPH_H
#define MEMPROF_OBJECT_GRAPH_H

#include <stdint.h>

#include "memprof/heap/number_list.h"

#define OBJECT_GRAPH_NONE UINT32_MAX

struct object_graph {
    uint32_t n, n_begun;   /* nodes: in all; whose references were told */
    uint32_t *first;       /* of each node and one more: where its references begin; owned */
    uint64_t *bytes;       /* of each, its own; owned */
    struct number_list to; /* what it refers to */
};

/* With so many nodes, the root among them. 0 or -ENOMEM. Release it with object_graph_release(). */
int object_graph_init(struct object_graph *graph, uint32_t n);
void object_graph_release(struct object_graph *graph);

/* Gives back what it has of references. */
void object_graph_forget(struct object_graph *graph);

/* The next node begins: what is told from here on is what it refers to. Its number. */
static inline uint32_t object_graph_begin(struct object_graph *graph, uint64_t bytes)
{
    graph->first[graph->n_begun] = graph->to.n;
    graph->bytes[graph->n_begun] = bytes;
    return graph->n_begun++;
}

static inline void object_graph_refer(struct object_graph *graph, uint32_t node)
{
    number_list_append(&graph->to, node);
}

/*
 * The way to each node, short ones first: whom it is reached from, in `from` (n numbers; at
 * first all OBJECT_GRAPH_NONE), for those that `node` leads to and nobody has reached yet. `queue`:
 * n numbers, for its use.
 */
void object_graph_reach(const struct object_graph *graph, uint32_t node, uint32_t *from,
                        uint32_t *queue);

#endif
