#include "memprof/ext/census_view.h"

#include <errno.h>
#include <string.h>

#include "memprof/ext/heap/object_shape.h"
#include "memprof/ext/heap/object_walk.h"

/* ---- names ---- */

/* The module that a class says it is of, or NULL. Borrowed. */
static PyObject *module_of(PyTypeObject *type)
{
    PyObject *dict = object_shape_type_dict(type);
    PyObject *module = dict == NULL ? NULL : PyDict_GetItemString(dict, "__module__");

    return module != NULL && PyUnicode_CheckExact(module) ? module : NULL;
}

/* "collections.deque", "dict", "__main__.Session". Asks no metaclass. */
static PyObject *type_name(PyTypeObject *type)
{
    PyObject *name, *module;

    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE))
        return PyUnicode_DecodeUTF8(type->tp_name, (Py_ssize_t)strlen(type->tp_name), "replace");
    name = ((PyHeapTypeObject *)type)->ht_qualname;
    if (name == NULL || !PyUnicode_Check(name))
        return PyUnicode_FromString("?"); /* it is half made */
    module = module_of(type);
    if (module == NULL || PyUnicode_CompareWithASCIIString(module, "builtins") == 0)
        return PyUnicode_FromObject(name);
    return PyUnicode_FromFormat("%U.%U", module, name);
}

/* ---- rows ---- */

static int append(PyObject *list, PyObject *item)
{
    int error = item == NULL ? -1 : PyList_Append(list, item);

    Py_XDECREF(item);
    return error;
}

static int append_row(PyObject *lists, const struct type_row *row)
{
    if (append(PyTuple_GET_ITEM(lists, 0), type_name((PyTypeObject *)row->type)) != 0 ||
        append(PyTuple_GET_ITEM(lists, 1), PyLong_FromUnsignedLongLong(row->n_objects)) != 0 ||
        append(PyTuple_GET_ITEM(lists, 2), PyLong_FromUnsignedLongLong(row->bytes)) != 0)
        return -1;
    return append(PyTuple_GET_ITEM(lists, 3), PyBool_FromLong(row->shape.is_partial));
}

/* Four lists, so that many types are few objects: a result is not to bring a collection near. */
static PyObject *lists_of(const struct type_table *table, const PyObject *only)
{
    PyObject *lists = Py_BuildValue("([][][][])");
    const struct type_row *row, none = {.type = only};

    if (lists != NULL && only != NULL) { /* also where there is none of it */
        row = type_table_find(table, only);
        if (append_row(lists, row == NULL ? &none : row) != 0)
            Py_CLEAR(lists);
        return lists;
    }
    for (uint32_t i = 0; lists != NULL && i < table->n; i++) {
        row = &table->rows[i];
        if (row->n_objects != 0 && append_row(lists, row) != 0)
            Py_CLEAR(lists);
    }
    return lists;
}

/* From here on something may be allocated, so a collection may free a class. */
static PyObject *result_of(const struct type_table *table, const PyObject *only)
{
    PyObject *lists;

    for (uint32_t i = 0; i < table->n; i++)
        Py_INCREF((PyObject *)table->rows[i].type);
    lists = lists_of(table, only);
    for (uint32_t i = 0; i < table->n; i++)
        Py_DECREF((PyObject *)table->rows[i].type);
    return lists;
}

static PyObject *walk_error(int error)
{
    if (error == -EBUSY)
        return PyErr_Format(PyExc_RuntimeError,
                            "the heap cannot be walked while a collection runs, as from "
                            "gc.callbacks or from a __del__ that it calls");
    return PyErr_NoMemory();
}

PyDoc_STRVAR(heap_census_doc,
             "heap_census(as_getsizeof, is_pymalloc, only=None, /) -> tuple\n\n"
             "Every object there is: a list of the names of their types, how many there are of\n"
             "each, their bytes, and whether these are of their own blocks alone. Bytes are those\n"
             "of blocks, small ones pymalloc's or malloc()'s, or what sys.getsizeof() says. Of one\n"
             "type where it is given. RuntimeError while a collection runs, and on free-threaded\n"
             "Python.");

static PyObject *heap_census(PyObject *module, PyObject *args)
{
    int as_getsizeof, is_pymalloc, error;
    PyObject *only = NULL, *lists;
    struct object_walk walk;

    (void)module;
    if (!PyArg_ParseTuple(args, "pp|O!:heap_census", &as_getsizeof, &is_pymalloc, &PyType_Type,
                          &only))
        return NULL;
#ifdef Py_GIL_DISABLED
    return PyErr_Format(PyExc_RuntimeError, "the heap of free-threaded Python is not walked");
#endif
    if (object_walk_init(&walk, as_getsizeof, is_pymalloc) != 0)
        return PyErr_NoMemory();
    error = object_walk_run(&walk);
    lists = error != 0 ? walk_error(error) : result_of(&walk.types, only);
    object_walk_release(&walk);
    return lists;
}

static PyMethodDef methods[] = {
    {"heap_census", heap_census, METH_VARARGS, heap_census_doc},
    {NULL, NULL, 0, NULL},
};

int census_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
