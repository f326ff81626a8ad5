/*
 * The bytes of an object: its blocks, as what allocated them counts them; or what sys.getsizeof()
 * says. Nothing but a __sizeof__ of CPython's own or numpy's is called, which makes an int.
 */
#ifndef MEMPROF_EXT_OBJECT_SIZE_H
#define MEMPROF_EXT_OBJECT_SIZE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/heap/type_table.h"
#include "memprof/machine/image_range.h"

struct object_sizes {
    size_t small;              /* blocks up to here are pymalloc's, in steps of 16 bytes */
    struct image_range python; /* what stands there was never allocated */
};

size_t object_size(const struct object_sizes *sizes, PyObject *object,
                   const struct type_shape *shape);

#endif
