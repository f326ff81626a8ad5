#include "memprof/ext/heap/object_shape.h"

#include <dlfcn.h>
#include <semaphore.h>
#include <string.h>

#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/machine/malloc_block.h"

/* Its blocks are 64 items and two links each. */
#define DEQUE_BLOCK (66 * sizeof(PyObject *))
#define LOCK_WITH_ONE_BESIDE 40
#define RLOCK_WITH_ONE_BESIDE 48

PyObject *object_shape_type_dict(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyObject *dict;

    if (!(type->tp_flags & Py_TPFLAGS_READY))
        return NULL;
    dict = PyType_GetDict(type);
    Py_XDECREF(dict); /* the type has it */
    return dict;
#else
    return type->tp_dict;
#endif
}

/* ---- its __sizeof__ ---- */

/* The first in the order of its bases. Not by _PyType_Lookup(): that may finish a half-made type.
 * False where there is none, as of a half-made type. */
static bool find_method(PyTypeObject *type, PyObject *name, PyObject **method)
{
    PyObject *order = type->tp_mro;

    *method = NULL;
    if (order == NULL || !PyTuple_CheckExact(order))
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(order) && *method == NULL; i++) {
        PyObject *base = PyTuple_GET_ITEM(order, i);
        PyObject *dict = PyType_Check(base) ? object_shape_type_dict((PyTypeObject *)base) : NULL;

        if (dict == NULL || !PyDict_CheckExact(dict))
            return false;
        *method = dict_value_of(dict, name);
    }
    return *method != NULL;
}

/* Whether a function is CPython's own, in its program or one of its modules, or numpy's: others
 * may raise, or run Python. */
static bool is_known_code(const void *function)
{
    Dl_info its, python;

    if (dladdr(function, &its) == 0 || its.dli_fname == NULL)
        return false;
    if (dladdr((const void *)PyLong_Type.tp_repr, &python) != 0 &&
        python.dli_fbase == its.dli_fbase)
        return true;
    return strstr(its.dli_fname, "/lib-dynload/") != NULL ||
           strstr(its.dli_fname, "/numpy/") != NULL;
}

/* Notes the function to call, if there is one that may be, and whether all is known. The class may
 * have borrowed the method of a type that is none of its bases. */
static void find_size_of(struct type_shape *shape, PyTypeObject *type, PyObject *name)
{
    PyObject *method;
    const PyMethodDef *def;

    shape->is_partial = true;
    if (!find_method(type, name, &method) || !Py_IS_TYPE(method, &PyMethodDescr_Type) ||
        !PyType_IsSubtype(type, PyDescr_TYPE(method)))
        return;
    def = ((PyMethodDescrObject *)method)->d_method;
    if (PyDescr_TYPE(method) == &PyBaseObject_Type) {
        shape->is_partial = false;
    } else if (def->ml_flags == METH_NOARGS && is_known_code((const void *)def->ml_meth)) {
        shape->size_of = (const void *)def->ml_meth;
        shape->is_partial = false;
    }
}

/* ---- by layout ---- */

/* Whether it is this type of C, or derived from it. No class of Python has these flags, whatever it
 * is called. */
static bool is_one_of_c(PyTypeObject *type, const char *name)
{
    for (; type != NULL; type = type->tp_base)
        if ((!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) ||
             type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) &&
            strcmp(type->tp_name, name) == 0)
            return true;
    return false;
}

static bool is_array(PyTypeObject *type)
{
    return is_one_of_c(type, "numpy.ndarray") &&
           (size_t)type->tp_basicsize >= sizeof(struct ndarray);
}

/* Bytes of built-in types do not hang on what a class says of itself. */
static enum shape_size size_by_layout(PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_LONG_SUBCLASS)
        return SIZE_INT;
    if (type->tp_flags & Py_TPFLAGS_UNICODE_SUBCLASS)
        return SIZE_STR;
    if (type->tp_flags & Py_TPFLAGS_LIST_SUBCLASS)
        return SIZE_LIST;
    if (type->tp_flags & Py_TPFLAGS_DICT_SUBCLASS)
        return PyType_IsSubtype(type, &PyODict_Type) ? SIZE_ODICT : SIZE_DICT;
    if (type->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return SIZE_TYPE;
    if (PyType_IsSubtype(type, &PySet_Type) || PyType_IsSubtype(type, &PyFrozenSet_Type))
        return SIZE_SET;
    return PyType_IsSubtype(type, &PyByteArray_Type) ? SIZE_BYTEARRAY : SIZE_ITEMS;
}

static bool is_all_items(PyTypeObject *type)
{
    return (type->tp_flags & (Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS)) ||
           type == &PyCode_Type;
}

/* A lock of the system's stands beside that of Python, but for those of newer Pythons (some
 * of 3.13, too), which are a byte of their own and smaller. */
static bool has_lock(PyTypeObject *type)
{
    return (is_one_of_c(type, "_thread.lock") && type->tp_basicsize >= LOCK_WITH_ONE_BESIDE) ||
           (is_one_of_c(type, "_thread.RLock") && type->tp_basicsize >= RLOCK_WITH_ONE_BESIDE);
}

/* Whose __sizeof__ counts what stands in the object, or is an object of its own. */
static bool counts_twice(PyTypeObject *type)
{
#if PY_VERSION_HEX >= 0x030C0000
    if (is_one_of_c(type, "_io.BytesIO"))
        return true;
#endif
    return is_one_of_c(type, "numpy.generic") && !is_one_of_c(type, "numpy.void");
}

/* Those without a __sizeof__ that have much beside them. */
static enum shape_size size_of_others(PyTypeObject *type)
{
    if (is_one_of_c(type, "_io.StringIO") && (size_t)type->tp_basicsize >= sizeof(struct text_file))
        return SIZE_TEXT_FILE;
    if (is_one_of_c(type, "_ctypes._CData") &&
        (size_t)type->tp_basicsize >= sizeof(struct ctypes_data))
        return SIZE_CTYPES;
    return SIZE_ITEMS;
}

static void find_size(struct type_shape *shape, PyTypeObject *type, PyObject *name)
{
    shape->size = (uint8_t)size_by_layout(type);
    /* One item more than it has, where objects are made as those of classes are. */
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE || shape->size == SIZE_TYPE) &&
        type->tp_itemsize != 0 && type->tp_alloc == PyType_GenericAlloc)
        shape->fixed_bytes += shape->item_bytes;
#if PY_VERSION_HEX < 0x030B0000
    if (is_one_of_c(type, "frame")) /* and one that its __sizeof__ does not know */
        shape->fixed_bytes += shape->item_bytes;
#endif
    if (shape->size != SIZE_ITEMS || is_all_items(type))
        return;
    if (has_lock(type))
        shape->beside_bytes = (uint32_t)malloc_block_bytes(sizeof(sem_t), NULL);
    find_size_of(shape, type, name);
    if (shape->size_of == NULL)
        shape->size = (uint8_t)size_of_others(type);
    if (shape->size_of == NULL || counts_twice(type))
        return;
    shape->size = is_array(type) ? SIZE_NDARRAY : SIZE_CALLED;
    if (is_one_of_c(type, "collections.deque"))
        shape->part_bytes = DEQUE_BLOCK;
}

static enum shape_children children_by_layout(PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_DICT_SUBCLASS)
        return CHILDREN_OF_DICT;
    if (type->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS)
        return CHILDREN_OF_TYPE;
    if (type == &PyCode_Type)
        return CHILDREN_OF_CODE;
    if (type == &PyRange_Type)
        return CHILDREN_OF_RANGE;
    if (type->tp_itemsize != 0 || type == &PyFloat_Type)
        return CHILDREN_OF_NONE;
    if (is_one_of_c(type, "datetime.datetime"))
        return CHILDREN_OF_DATETIME;
    if (is_one_of_c(type, "datetime.time"))
        return CHILDREN_OF_TIME;
    if (is_one_of_c(type, "datetime.timezone"))
        return CHILDREN_OF_TIMEZONE;
    if (is_array(type))
        return CHILDREN_OF_NDARRAY;
#if PY_VERSION_HEX >= 0x030D0000
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)
        return CHILDREN_OF_INSTANCE;
#endif
    return CHILDREN_OF_NONE;
}

void object_shape_find(struct type_shape *shape, PyTypeObject *type, PyObject *name,
                       bool as_getsizeof)
{
    bool is_gc = type->tp_flags & Py_TPFLAGS_HAVE_GC;

    if (is_gc)
        shape->header_bytes = sizeof(PyGC_Head);
    if (type->tp_flags & Py_TPFLAGS_PREHEADER)
        shape->header_bytes += 2 * (uint32_t)sizeof(PyObject *);
    shape->fixed_bytes = shape->header_bytes + (uint32_t)type->tp_basicsize;
    shape->item_bytes = (uint32_t)type->tp_itemsize;
    shape->is_traversed = is_gc && type->tp_traverse != NULL && type != &PyDict_Type;
    shape->may_be_static = is_gc && type->tp_is_gc != NULL;
#if PY_VERSION_HEX >= 0x030D0000
    shape->has_values = type->tp_flags & Py_TPFLAGS_INLINE_VALUES;
#else
    shape->has_values = type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
#endif
    shape->children = (uint8_t)children_by_layout(type);
    if (as_getsizeof) {
        find_size_of(shape, type, name);
        shape->size = SIZE_GETSIZEOF;
    } else {
        find_size(shape, type, name);
    }
}
