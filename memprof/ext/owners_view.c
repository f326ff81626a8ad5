#include "memprof/ext/owners_view.h"

#include <errno.h>
#include <string.h>

#include "memprof/ext/census_view.h"
#include "memprof/ext/heap/frame_parts.h"
#include "memprof/ext/heap/object_step.h"
#include "memprof/ext/heap/owner_graph.h"
#include "memprof/ext/type_names.h"
#include "memprof/ext/walk_error.h"
#include "memprof/machine/pages.h"

#define MOST_STEPS 64 /* of a way that is told */

/* ---- ways ---- */

/* (name, file, line) of what a frame runs. */
static PyObject *frame_place(const frame_walk *frame)
{
    PyCodeObject *code = frame_walk_code(frame);
    int offset = frame_walk_offset(frame, code);
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *name = code->co_qualname;
#else
    PyObject *name = code->co_name;
#endif

    return Py_BuildValue("(OOi)", name, code->co_filename,
                         offset < 0 ? code->co_firstlineno : PyCode_Addr2Line(code, offset));
}

static PyObject *step_between(const struct owner_graph *owners, uint32_t from, uint32_t to)
{
    PyObject *child = owner_graph_object(owners, to), *parent;

    if (from >= owners->n_objects)
        return object_step_of_frame(owners->frames[from - owners->n_objects], child);
    parent = owner_graph_object(owners, from);
    return object_step(parent, child,
                       &type_table_find(&owners->walk->types, Py_TYPE(parent))->shape);
}

/* (kind, key, type of what it leads to). */
static int append_step(PyObject *steps, const struct owner_graph *owners, uint32_t from,
                       uint32_t to)
{
    PyObject *step = step_between(owners, from, to), *item;

    if (step == NULL)
        return -1;
    item = PyTuple_Pack(3, PyTuple_GET_ITEM(step, 0), PyTuple_GET_ITEM(step, 1),
                        Py_TYPE(owner_graph_object(owners, to)));
    Py_DECREF(step);
    if (item == NULL || PyList_Append(steps, item) != 0) {
        Py_XDECREF(item);
        return -1;
    }
    Py_DECREF(item);
    return 0;
}

/* The last node of the way that is told, and the way, the root's own first: its length. */
static uint32_t way_to(const struct owner_graph *owners, uint32_t node, uint32_t *way,
                       uint32_t *n_all)
{
    uint32_t n = 0, n_told;

    for (uint32_t at = node; at != owners->root; at = owners->from[at])
        n++;
    *n_all = n;
    n_told = n < MOST_STEPS ? n : MOST_STEPS;
    for (uint32_t at = node; at != owners->root; at = owners->from[at])
        if (--n < n_told)
            way[n] = at;
    return n_told;
}

/* (kind of the root, place of its frame or None, steps, how many are left out, name of the
 * object's type). */
static PyObject *way_of(const struct owner_graph *owners, uint32_t node)
{
    uint32_t way[MOST_STEPS] = {node}, n_all, n = way_to(owners, node, way, &n_all);
    enum owner_root root = owner_graph_root(owners, way[0]);
    PyObject *place = NULL, *steps = PyList_New(0), *object = owner_graph_object(owners, node);

    if (steps == NULL)
        return NULL;
    for (uint32_t i = 1; i < n; i++)
        if (append_step(steps, owners, way[i - 1], way[i]) != 0) {
            Py_DECREF(steps);
            return NULL;
        }
    if (root == ROOT_FRAME)
        place = frame_place(owners->frames[way[0] - owners->n_objects]);
    else
        place = Py_NewRef(Py_None);
    return Py_BuildValue("(iNNIN)", (int)root, place, steps, n_all - n,
                         object == NULL ? Py_NewRef(Py_None) : type_name(Py_TYPE(object)));
}

/* ---- the most ---- */

/* Nodes, those that retain the most first. */
struct most {
    uint32_t *nodes;
    uint32_t n, room;
};

static bool is_more(const struct most *most, const uint64_t *bytes, uint32_t node)
{
    return most->n < most->room || (most->n > 0 && bytes[most->nodes[most->n - 1]] < bytes[node]);
}

static void keep(struct most *most, const uint64_t *bytes, uint32_t node)
{
    uint32_t at = most->n;

    while (at > 0 && bytes[most->nodes[at - 1]] < bytes[node])
        at--;
    most->n += most->n < most->room;
    memmove(&most->nodes[at + 1], &most->nodes[at], (most->n - at - 1) * sizeof *most->nodes);
    most->nodes[at] = node;
}

/* What is held by nobody that has a name, by kind of the root. */
struct held {
    uint64_t bytes[ROOT_SEVERAL + 1];
    uint64_t n_objects[ROOT_SEVERAL + 1];
};

static void add_held(struct held *held, const struct retained *retained, uint32_t node,
                     enum owner_root root)
{
    held->bytes[root] += retained->bytes[node];
    held->n_objects[root] += retained->n_objects[node];
}

/* Whether nobody is told of it but C code, or that it stays for good, or that it is garbage. */
static bool is_held_unnamed(const struct owner_graph *owners, uint32_t node)
{
    return !owners->is_led_to[node] || owner_graph_is_for_good(owners, node);
}

/* Those that have a name, or that several hold together, and that somebody with names owns. What
 * several names of modules hold together is added up, too: it may be many that are small. */
static void find_most(const struct owner_graph *owners, struct most *most, struct held *held)
{
    const struct retained *retained = &owners->retained;

    for (uint32_t i = 0; i < owners->n_objects; i++) {
        uint32_t owner = retained->owners[i];
        bool is_of_root = owner == owners->root;

        if (is_held_unnamed(owners, i)) {
            if (is_of_root)
                add_held(held, retained, i, owner_graph_begin_of(owners, i));
            continue;
        }
        if (owners->names[i] & IS_PLACE || !(is_of_root || owners->names[owner] & HAS_NAMES))
            continue;
        if (!retained->is_single[i] && (is_of_root || owners->names[owner] & OF_MODULE))
            add_held(held, retained, i, ROOT_SEVERAL);
        if (is_more(most, retained->bytes, i))
            keep(most, retained->bytes, i);
    }
}

static PyObject *row_of(const struct owner_graph *owners, uint32_t node)
{
    const struct retained *retained = &owners->retained;
    PyObject *way = way_of(owners, node), *row;

    if (way == NULL)
        return NULL;
    row = Py_BuildValue("(NKIN)", way, (unsigned long long)retained->bytes[node],
                        retained->n_objects[node], PyBool_FromLong(retained->is_single[node]));
    return row;
}

static PyObject *rows_of(const struct owner_graph *owners, const struct most *most)
{
    PyObject *rows = PyList_New(0), *row;
    int error = 0;

    for (uint32_t i = 0; rows != NULL && i < most->n && error == 0; i++) {
        row = row_of(owners, most->nodes[i]);
        error = row == NULL ? -1 : PyList_Append(rows, row);
        Py_XDECREF(row);
    }
    if (error != 0)
        Py_CLEAR(rows);
    return rows;
}

static PyObject *held_of(const struct held *held)
{
    return Py_BuildValue(
        "((KK)(KK)(KK)(KK))", held->n_objects[ROOT_C_CODE], held->bytes[ROOT_C_CODE],
        held->n_objects[ROOT_FOR_GOOD], held->bytes[ROOT_FOR_GOOD], held->n_objects[ROOT_GARBAGE],
        held->bytes[ROOT_GARBAGE], held->n_objects[ROOT_SEVERAL], held->bytes[ROOT_SEVERAL]);
}

static PyObject *owners_of(struct owner_graph *owners, uint32_t room)
{
    struct held held = {.bytes = {0}};
    size_t bytes = (size_t)(room + 1) * sizeof(uint32_t);
    struct most most = {.nodes = pages_map(bytes), .room = room};
    PyObject *rows;

    if (most.nodes == NULL || owner_graph_find(owners) != 0) {
        pages_unmap(most.nodes, bytes);
        return PyErr_NoMemory();
    }
    find_most(owners, &most, &held);
    rows = rows_of(owners, &most);
    pages_unmap(most.nodes, bytes);
    return rows == NULL ? NULL : Py_BuildValue("(NN)", rows, held_of(&held));
}

/* ---- what is asked for ---- */

struct question {
    struct owner_graph owners;
    struct object_walk walk;
    int was_enabled;
};

/* The graph; false with an exception. A collection would free what is asked for. */
static bool question_begin(struct question *question, int is_pymalloc, PyObject *ours)
{
    int error;

    memset(question, 0, sizeof *question);
    if (object_walk_init(&question->walk, false, is_pymalloc) != 0) {
        PyErr_NoMemory();
        return false;
    }
    question->was_enabled = PyGC_Disable();
    error = object_walk_run(&question->walk);
    if (error == 0)
        error = owner_graph_build(&question->owners, &question->walk, ours);
    if (error == 0)
        return true;
    if (question->was_enabled)
        PyGC_Enable();
    owner_graph_release(&question->owners);
    object_walk_release(&question->walk);
    walk_error(error);
    return false;
}

static void question_end(struct question *question)
{
    owner_graph_release(&question->owners);
    object_walk_release(&question->walk);
    if (question->was_enabled)
        PyGC_Enable();
}

PyDoc_STRVAR(heap_owners_doc,
             "heap_owners(n, is_pymalloc, ours, /) -> tuple\n\n"
             "The n that keep the most alive: for each ((kind of its root, the place of a frame\n"
             "or None, steps, how many of these are left out, name of its type), bytes, objects,\n"
             "whether one name alone holds it); and objects and bytes of what C code holds, what\n"
             "is never freed, what is garbage, what several names of modules hold. `ours`: a "
             "folder whose frames are not told. A step\n"
             "is (kind, key, type), see object_step.h. RuntimeError as of heap_census().");

static PyObject *heap_owners(PyObject *module, PyObject *args)
{
    unsigned int n;
    int is_pymalloc;
    struct question question;
    PyObject *ours, *result;

    (void)module;
    if (!PyArg_ParseTuple(args, "IpU:heap_owners", &n, &is_pymalloc, &ours))
        return NULL;
    if (!question_begin(&question, is_pymalloc, ours))
        return NULL;
    result = owners_of(&question.owners, n);
    question_end(&question);
    return result;
}

static int append_way(PyObject *ways, const struct owner_graph *owners, uint32_t node)
{
    PyObject *way = way_of(owners, node);
    int error = way == NULL ? -1 : PyList_Append(ways, way);

    Py_XDECREF(way);
    return error;
}

struct of_type {
    const struct owner_graph *owners;
    PyTypeObject *type;
    PyObject *ways;
    Py_ssize_t most;
    uint32_t at;
    const struct address_bits *but_not; /* blocks of objects that are left out, or NULL */
};

static bool is_left_out(const struct of_type *of_type, PyObject *object)
{
    const struct type_row *row =
        type_table_find(&of_type->owners->walk->types, (const void *)of_type->type);

    return of_type->but_not != NULL &&
           address_bits_has(of_type->but_not, (char *)object - row->shape.header_bytes);
}

/* 1 ends it: enough, or an exception. */
static int append_of_type(const void *address, void *context)
{
    struct of_type *of_type = context;
    PyObject *object = object_walk_object(of_type->owners->walk, address);
    uint32_t node = of_type->at++;

    if (!Py_IS_TYPE(object, of_type->type) || is_left_out(of_type, object))
        return 0;
    if (append_way(of_type->ways, of_type->owners, node) != 0)
        return 1;
    return PyList_GET_SIZE(of_type->ways) >= of_type->most;
}

/* The first type of that name in tables; NULL where there is none. Borrowed. */
static PyTypeObject *type_called(const struct type_table *types, PyObject *called)
{
    PyTypeObject *found = NULL;

    for (uint32_t i = 0; i < types->n && found == NULL && !PyErr_Occurred(); i++) {
        PyTypeObject *type = (PyTypeObject *)types->rows[i].type;
        PyObject *name = types->rows[i].n_objects == 0 ? NULL : type_name(type);

        if (name != NULL && PyUnicode_Compare(name, called) == 0)
            found = type;
        Py_XDECREF(name);
    }
    return found;
}

PyDoc_STRVAR(heap_paths_doc,
             "heap_paths(object, is_type, most, is_pymalloc, ours, remembered, /) -> list\n\n"
             "The way to the object, or to so many of that type, each as heap_owners() tells it;\n"
             "a type may be given by its name in tables. Those alone that were not there at\n"
             "heap_remember(), where what it gave is no None. Empty where it is not on the heap.");

static PyObject *heap_paths(PyObject *module, PyObject *args)
{
    int is_type, is_pymalloc;
    struct question question;
    struct of_type of_type = {.most = 0};
    PyObject *object, *ours, *capsule;
    uint32_t node;

    (void)module;
    if (!PyArg_ParseTuple(args, "OpnpUO:heap_paths", &object, &is_type, &of_type.most, &is_pymalloc,
                          &ours, &capsule) ||
        !remembered_blocks(capsule, &of_type.but_not) ||
        !question_begin(&question, is_pymalloc, ours))
        return NULL;
    of_type.owners = &question.owners;
    of_type.ways = PyList_New(0);
    if (of_type.ways != NULL && is_type && of_type.most > 0) {
        of_type.type = PyUnicode_Check(object) ? type_called(&question.walk.types, object)
                                               : (PyTypeObject *)object;
        if (of_type.type != NULL)
            address_bits_each(&question.walk.seen, append_of_type, &of_type);
    } else if (of_type.ways != NULL && !is_type) {
        node = owner_graph_node(&question.owners, object);
        if (node != ADDRESS_BITS_NONE)
            append_way(of_type.ways, &question.owners, node);
    }
    question_end(&question);
    if (PyErr_Occurred())
        Py_CLEAR(of_type.ways);
    return of_type.ways;
}

static PyMethodDef methods[] = {
    {"heap_owners", heap_owners, METH_VARARGS, heap_owners_doc},
    {"heap_paths", heap_paths, METH_VARARGS, heap_paths_doc},
    {NULL, NULL, 0, NULL},
};

int owners_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
