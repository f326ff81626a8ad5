/*
 * How one object is reached from another that refers to it, as an expression would say it. Nothing
 * is called, and nothing read but the two and what their types are.
 */
#ifndef MEMPROF_EXT_OBJECT_STEP_H
#define MEMPROF_EXT_OBJECT_STEP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/ext/heap/frame_walk.h"
#include "memprof/heap/type_table.h"

/*
 * A pair (kind, key), or NULL with an exception. Kinds: "attr", "slot" (key: its
 * name; a slot, or what a type of C calls a member, has no place in a dict), "item" (a key of a
 * dict that is plain: a number, a text, None), "key" and "value" (which of a dict's, from 0 on),
 * "index" (of a list, tuple, deque), "member" (which of a set's), "cell" and "dict" (what a cell
 * has; the dict of attributes: None), "local" (of a generator: its name), "referent" (which of
 * gc.get_referents()), "hidden" (None: no expression says it).
 *
 * Nothing is freed while it is made.
 */
PyObject *object_step(PyObject *from, PyObject *to, const struct type_shape *shape);

/* From a frame: "local", or "expression" (None) of what has no name; "dict" of those of a module or
 * a class that is being made; "frame": before 3.11 it is an object itself, which has the locals. */
PyObject *object_step_of_frame(const frame_walk *frame, PyObject *to);

#endif
