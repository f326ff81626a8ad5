#include "memprof/ext/census_view.h"

#include <errno.h>

#include "memprof/ext/heap/free_hook.h"
#include "memprof/ext/heap/interpreter_parts.h"
#include "memprof/ext/heap/object_walk.h"
#include "memprof/ext/type_names.h"
#include "memprof/ext/walk_error.h"

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

    object_walk_hold_types(table);
    lists = lists_of(table, only);
    object_walk_let_go_of_types(table);
    return lists;
}

PyDoc_STRVAR(
    heap_census_doc,
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
    if (object_walk_init(&walk, as_getsizeof, is_pymalloc) != 0)
        return PyErr_NoMemory();
    error = object_walk_run(&walk);
    lists = error != 0 ? walk_error(error) : result_of(&walk.types, only);
    object_walk_release(&walk);
    return lists;
}

/* ---- what is new ---- */

#define CAPSULE "memory_profiler.remembered"

static void capsule_free(PyObject *capsule)
{
    struct remembered *remembered = PyCapsule_GetPointer(capsule, CAPSULE);

    free_hook_forget(remembered);
    address_bits_release(&remembered->blocks);
    PyMem_RawFree(remembered);
}

bool remembered_blocks(PyObject *capsule, const struct address_bits **blocks)
{
    struct remembered *remembered = NULL;

    if (capsule != Py_None) {
        remembered = PyCapsule_GetPointer(capsule, CAPSULE);
        if (remembered == NULL)
            return false;
    }
    *blocks = remembered == NULL ? NULL : &remembered->blocks;
    return true;
}

/* One with nothing in it; NULL with an exception. */
static PyObject *new_capsule(struct remembered **remembered)
{
    PyObject *capsule;

    *remembered = PyMem_RawCalloc(1, sizeof **remembered);
    if (*remembered == NULL || address_bits_init(&(*remembered)->blocks) != 0) {
        PyMem_RawFree(*remembered);
        return PyErr_NoMemory();
    }
    capsule = PyCapsule_New(*remembered, CAPSULE, capsule_free);
    if (capsule == NULL) {
        address_bits_release(&(*remembered)->blocks);
        PyMem_RawFree(*remembered);
    }
    return capsule;
}

PyDoc_STRVAR(
    heap_remember_doc,
    "heap_remember() -> object\n\n"
    "All objects there are, as heap_new() wants them; none is kept alive. RuntimeError as\n"
    "of heap_census(), and where this is not the main interpreter.");

static PyObject *heap_remember(PyObject *module, PyObject *unused)
{
    struct remembered *remembered;
    struct object_walk walk;
    PyObject *capsule;
    int error;

    (void)module, (void)unused;
    capsule = walk_is_refused("growth is told in the main interpreter only")
                  ? NULL
                  : new_capsule(&remembered);
    if (capsule == NULL)
        return NULL;
    error = object_walk_init(&walk, false, true);
    if (error == 0) {
        free_hook_remember(remembered);
        walk.noted = &remembered->blocks;
        error = object_walk_run(&walk);
        object_walk_release(&walk);
    }
    if (error == 0 && !remembered->blocks.has_failed)
        return capsule;
    Py_DECREF(capsule);
    return walk_error(error);
}

/* What a call of ours has is not new. */
static void leave_out(struct remembered *remembered, PyObject *ours)
{
    size_t before = PyObject_IS_GC(ours) ? sizeof(PyGC_Head) : 0;

    address_bits_add(&remembered->blocks, (const char *)ours - before);
}

PyDoc_STRVAR(
    heap_new_doc,
    "heap_new(remembered, as_getsizeof, is_pymalloc, /) -> tuple\n\n"
    "As heap_census(), of the objects that were not there at heap_remember(); and whether\n"
    "all frees since then were seen.");

static PyObject *heap_new(PyObject *module, PyObject *args)
{
    int as_getsizeof, is_pymalloc, error;
    struct remembered *remembered;
    struct object_walk walk;
    PyObject *capsule, *lists;

    (void)module;
    if (!PyArg_ParseTuple(args, "Opp:heap_new", &capsule, &as_getsizeof, &is_pymalloc))
        return NULL;
    remembered = PyCapsule_GetPointer(capsule, CAPSULE);
    if (remembered == NULL)
        return NULL;
    if (object_walk_init(&walk, as_getsizeof, is_pymalloc) != 0)
        return PyErr_NoMemory();
    leave_out(remembered, capsule);
    leave_out(remembered, args);
    walk.but_not = &remembered->blocks;
    error = object_walk_run(&walk);
    lists = error != 0 ? walk_error(error) : result_of(&walk.types, NULL);
    object_walk_release(&walk);
    return lists == NULL ? NULL
                         : Py_BuildValue("(NN)", lists, PyBool_FromLong(free_hook_reached()));
}

static PyMethodDef methods[] = {
    {"heap_census", heap_census, METH_VARARGS, heap_census_doc},
    {"heap_remember", heap_remember, METH_NOARGS, heap_remember_doc},
    {"heap_new", heap_new, METH_VARARGS, heap_new_doc},
    {NULL, NULL, 0, NULL},
};

int census_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
