/*
 * Where a walk over the interpreter's heap begins: all that the collector tracks, what runs, and
 * what the interpreter itself has. With the interpreter's lock.
 */
#ifndef MEMPROF_EXT_HEAP_ROOTS_H
#define MEMPROF_EXT_HEAP_ROOTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "memprof/ext/heap/frame_walk.h"

/* Whether the collector is at work: its lists are in pieces then. */
bool heap_roots_collecting(void);

/* Each object that is tracked, those of gc.freeze() too, in the collector's order. visit() makes
 * no object that could be tracked, and frees none. */
void heap_roots_tracked(visitproc visit, void *context);

/* What frames of all threads, modules and threads have; some more than once. */
void heap_roots_others(visitproc visit, void *context);

/* Each frame of all threads. */
void heap_roots_frames(void (*visit)(const frame_walk *, void *), void *context);

/* What a frame has: each as often as it refers to it. Nothing of one of the interpreter's own. */
void heap_roots_in_frame(const frame_walk *frame, visitproc visit, void *context);

/* The dict of interned texts, or NULL before 3.12: it keeps none of them alive. Borrowed. */
PyObject *heap_roots_interned(void);

/* The dicts that the interpreter itself has: of all modules first, of sys, of builtins, those of
 * threads. */
void heap_roots_dicts(visitproc visit, void *context);

#endif
