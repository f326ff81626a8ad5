/*
 * Who keeps the objects of a walk alive: the graph of what refers to what, from the modules, from
 * what runs, and from what is held without anybody who can be seen: an object has a count of its
 * references, and those that no object and no frame has are C code's.
 *
 * With the interpreter's lock and without a collection from the walk on until the graph is asked no
 * more: nothing may be freed. Counts of references are read, none is taken.
 */
#ifndef MEMPROF_EXT_OWNER_GRAPH_H
#define MEMPROF_EXT_OWNER_GRAPH_H

#include "memprof/ext/heap/frame_walk.h"
#include "memprof/ext/heap/object_walk.h"
#include "memprof/heap/object_graph.h"
#include "memprof/heap/retained.h"

/* What a way to an object begins with. */
enum owner_root {
    ROOT_MODULES, /* sys.modules */
    ROOT_DICT,    /* another dict of the interpreter's, or of a thread */
    ROOT_FRAME,
    ROOT_C_CODE,   /* held by somebody who cannot be seen */
    ROOT_FOR_GOOD, /* never freed */
    ROOT_GARBAGE,  /* held by nobody, but no collection has seen it yet */
    ROOT_SEVERAL   /* no root: what several names hold together */
};

/* Of a node, any of these: what it refers to has names there, and they are a module's; it is but
 * the place of names: a module, a frame, a dict of attributes. */
enum { HAS_NAMES = 1, OF_MODULE = 2, IS_PLACE = 4 };

/* Nodes are the objects, in the order of their addresses, then the frames, then the root. */
struct owner_graph {
    struct object_walk *walk;
    struct object_graph graph;
    struct retained retained;
    uint32_t n_objects, n_frames, root;
    const frame_walk **frames; /* owned */
    int32_t *unseen;           /* of each object: references that nobody is known to have, or very
                                * many of one that is never freed; owned */
    const PyObject *interned;  /* a dict that keeps none of its texts alive, or NULL */
    uint32_t *from;            /* the short way to each; owned */
    uint32_t *queue;           /* while these are found */
    struct number_list dicts;  /* of the interpreter, that of all modules first */
    uint8_t *names;            /* see above; owned */
    bool *is_led_to;           /* by a name, whoever else holds it; owned */
};

/* Frames in code of `ours` (a folder) are not told: what they have is C code's. 0 or -ENOMEM.
 * Release it with owner_graph_release(). */
int owner_graph_build(struct owner_graph *owners, struct object_walk *walk, PyObject *ours);
void owner_graph_release(struct owner_graph *owners);

/* Then: who retains what. 0 or -ENOMEM. */
static inline int owner_graph_find(struct owner_graph *owners)
{
    return retained_find(&owners->retained, &owners->graph);
}

/* NULL of a frame, and of the root. */
PyObject *owner_graph_object(const struct owner_graph *owners, uint32_t node);

/* ADDRESS_BITS_NONE of what was not there. */
uint32_t owner_graph_node(const struct owner_graph *owners, PyObject *object);

/* Whether an object is never freed. */
bool owner_graph_is_for_good(const struct owner_graph *owners, uint32_t node);

/* Of a node that the root itself refers to. */
enum owner_root owner_graph_root(const struct owner_graph *owners, uint32_t node);

/* What the way to an object begins with that no name leads to, or that is never freed. */
enum owner_root owner_graph_begin_of(const struct owner_graph *owners, uint32_t node);

#endif
