/*
 * What an object refers to: by its tp_traverse, and by hand where that leaves something out or
 * there is none. No reference is taken, and no __dict__ made.
 */
#ifndef MEMPROF_EXT_OBJECT_CHILDREN_H
#define MEMPROF_EXT_OBJECT_CHILDREN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/heap/type_table.h"

/* Calls visit(child, context) for each, as often as the object refers to it: for some more often.
 */
void object_children(PyObject *object, const struct type_shape *shape, visitproc visit,
                     void *context);

static inline bool object_has_children(const struct type_shape *shape)
{
    return shape->is_traversed || shape->children != 0;
}

#endif
