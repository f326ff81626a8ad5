#include "memprof/ext/births_view.h"

#include "memprof/ext/alloc_places.h"
#include "memprof/ext/heap/object_walk.h"
#include "memprof/ext/heap_view.h"
#include "memprof/ext/type_names.h"
#include "memprof/ext/walk_error.h"
#include "memprof/heap/alloc_rows.h"
#include "memprof/heap/birth_table.h"
#include "memprof/machine/pages.h"

#define PLACE_BEFORE 0 /* it was there when the recording began */

/* The log and the census, joined by the blocks of objects. */
struct births {
    struct birth_table table;
    uint64_t *places; /* of the log's nodes; owned */
    uint32_t n_nodes;
    const PyTypeObject *only; /* or NULL */
    bool has_failed;
};

static bool find_places(struct births *births, const struct alloc_tree *tree,
                        struct alloc_places *places)
{
    births->n_nodes = alloc_tree_count(tree);
    births->places = pages_map(births->n_nodes * sizeof *births->places);
    if (births->places == NULL)
        return false;
    for (uint32_t node = 1; node < births->n_nodes; node++)
        births->places[node] = alloc_place_of_node(tree, node, alloc_places_of, places);
    return !places->has_failed;
}

static void count_birth(void *context, PyTypeObject *type, const void *block, size_t bytes)
{
    struct births *births = context;
    uint32_t node;
    uint64_t place;

    if (births->only != NULL && births->only != type)
        return;
    node = shadow_peek(heap_view_log->shadow, block);
    place = node < births->n_nodes ? births->places[node] : PLACE_BEFORE;
    births->has_failed |= birth_table_add(&births->table, type, place, bytes) != 0;
}

/* (type, file, line, objects, bytes) of a row. */
static PyObject *birth_tuple(const struct birth_row *row, PyObject *files)
{
    return Py_BuildValue("(NOkKK)", type_name((PyTypeObject *)row->type),
                         PyList_GET_ITEM(files, row->place >> 32),
                         (unsigned long)(row->place & UINT32_MAX),
                         (unsigned long long)row->n_objects, (unsigned long long)row->bytes);
}

static PyObject *births_list(const struct births *births, PyObject *files)
{
    PyObject *list = PyList_New(0), *row;
    int error = 0;

    for (uint32_t i = 0; list != NULL && i < births->table.n_rows && error == 0; i++) {
        if (births->table.rows[i].n_objects == 0)
            continue;
        row = birth_tuple(&births->table.rows[i], files);
        error = row == NULL ? -1 : PyList_Append(list, row);
        Py_XDECREF(row);
    }
    if (error != 0)
        Py_CLEAR(list);
    return list;
}

static PyObject *walk_births(struct births *births, struct object_walk *walk, PyObject *files)
{
    int error = object_walk_run(walk);
    PyObject *list;

    if (error != 0 || births->has_failed)
        return walk_error(error);
    object_walk_hold_types(&walk->types);
    list = births_list(births, files);
    object_walk_let_go_of_types(&walk->types);
    return list;
}

static PyObject *births_of(struct births *births, const struct alloc_view *view, int is_pymalloc)
{
    struct alloc_places places = {0};
    struct object_walk walk;
    PyObject *files = alloc_places_files(&places), *list = NULL;

    if (files != NULL && object_walk_init(&walk, false, is_pymalloc) == 0) {
        walk.told = count_birth;
        walk.context = births;
        if (find_places(births, view->tree, &places) && birth_table_init(&births->table) == 0)
            list = walk_births(births, &walk, files);
        object_walk_release(&walk);
    }
    if (list == NULL && !PyErr_Occurred())
        PyErr_NoMemory();
    alloc_places_release(&places);
    Py_XDECREF(files);
    return list;
}

PyDoc_STRVAR(heap_births_doc,
             "heap_births(is_pymalloc, only=None, /) -> list\n\n"
             "While allocations are recorded: (type, file, line, objects, bytes) of all objects\n"
             "that live, or of those of one type. File None: line 0 is what was there before the\n"
             "recording, 1 what threads without Python have made, 2 Python without a frame.\n"
             "RuntimeError as of heap_census(), and where nothing is recorded.");

static PyObject *heap_births(PyObject *module, PyObject *args)
{
    struct births births = {.places = NULL};
    struct alloc_view view;
    PyObject *only = NULL, *list;
    int is_pymalloc;

    (void)module;
    if (!PyArg_ParseTuple(args, "p|O!:heap_births", &is_pymalloc, &PyType_Type, &only))
        return NULL;
    if (atomic_load(&alloc_log_active) == NULL)
        return PyErr_Format(PyExc_RuntimeError, "no allocations are recorded");
    if (heap_view_of(Py_None, &view) != 0)
        return NULL;
    births.only = (PyTypeObject *)only;
    alloc_pause();
    list = births_of(&births, &view, is_pymalloc);
    alloc_resume();
    pages_unmap(births.places, births.n_nodes * sizeof *births.places);
    birth_table_release(&births.table);
    return list;
}

static PyMethodDef methods[] = {
    {"heap_births", heap_births, METH_VARARGS, heap_births_doc},
    {NULL, NULL, 0, NULL},
};

int births_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
