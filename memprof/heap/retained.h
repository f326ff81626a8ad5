/*
 * What each node of a graph keeps alive: what could be reached no more if it were not there. Whom
 * each is kept by is its owner, the nearest node that every way from the root passes (its immediate
 * dominator); what a node keeps is what it owns, and they own, in turn.
 *
 * By semi-NCA (Georgiadis, 2005): time grows a little faster than nodes and references. Memory is
 * past malloc(): at most 32 bytes a node and 8 a reference while it is found out, beside the graph.
 */
#ifndef MEMPROF_RETAINED_H
#define MEMPROF_RETAINED_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/heap/object_graph.h"

/* By number of the node. The root's are of all; its owner is itself. */
struct retained {
    uint32_t n;
    uint32_t *owners;    /* all owned by this */
    uint32_t *n_objects; /* nodes that it keeps alive, itself too */
    uint64_t *bytes;     /* of these */
    bool *is_single;     /* one reference holds it, beside those of what it keeps alive */
};

/* The graph's references are forgotten on the way; its bytes stay. Every node is reached from the
 * root. 0 or -ENOMEM; release it with retained_release(). */
int retained_find(struct retained *retained, struct object_graph *graph);
void retained_release(struct retained *retained);

#endif
