/*
 * How an object of a type is read: what there is to know before its size and its children are
 * found, once for each type. Nothing of the type is called, no reference is kept.
 */
#ifndef MEMPROF_EXT_OBJECT_SHAPE_H
#define MEMPROF_EXT_OBJECT_SHAPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/heap/type_table.h"

/* How its bytes are found: `fixed_bytes`, `item_bytes` for each item, and what else it says. */
enum shape_size {
    SIZE_ITEMS,
    SIZE_INT,
    SIZE_STR,
    SIZE_BYTEARRAY,
    SIZE_LIST,
    SIZE_DICT,
    SIZE_ODICT,
    SIZE_SET,
    SIZE_TYPE,
    SIZE_NDARRAY,
    SIZE_TEXT_FILE, /* io.StringIO */
    SIZE_CTYPES,
    SIZE_CALLED,   /* by its __sizeof__ in C */
    SIZE_GETSIZEOF /* as sys.getsizeof() says, by the same where there is one */
};

/* What no tp_traverse visits. */
enum shape_children {
    CHILDREN_OF_NONE,
    CHILDREN_OF_DICT, /* all, its keys too */
    CHILDREN_OF_TYPE,
    CHILDREN_OF_CODE,
    CHILDREN_OF_RANGE,
    CHILDREN_OF_DATETIME,
    CHILDREN_OF_TIME,
    CHILDREN_OF_TIMEZONE,
    CHILDREN_OF_NDARRAY,
    CHILDREN_OF_INSTANCE /* a dict that its instances have */
};

/* The beginning of numpy's arrays and dtypes, the same since its first release. */
struct ndarray {
    PyObject head;
    char *data;
    int n_dimensions;
    Py_ssize_t *lengths, *strides; /* the former of one block with the latter */
    PyObject *base, *dtype;
};

struct ndarray_dtype {
    PyObject head;
    PyTypeObject *type;
    char kind; /* 'O': objects */
};

/* The beginning of io.StringIO. */
struct text_file {
    PyObject head;
    Py_UCS4 *text;
    Py_ssize_t position, length;
    size_t room; /* characters */
};

/* The beginning of what ctypes makes. */
struct ctypes_data {
    PyObject head;
    char *data;
    int is_owned;
    PyObject *base;
    Py_ssize_t size;
};

/* `name`: the str "__sizeof__". */
void object_shape_find(struct type_shape *shape, PyTypeObject *type, PyObject *name,
                       bool as_getsizeof);

/* The dict of a type, or NULL; borrowed. */
PyObject *object_shape_type_dict(PyTypeObject *type);

#endif
