#include "memprof/ext/heap_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/ext/heap/arena_hook.h"
#include "memprof/ext/heap/frame_stack.h"
#include "memprof/ext/heap/object_hooks.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/heap/alloc_maps.h"
#include "memprof/heap/alloc_rows.h"
#include "memprof/heap/malloc_hooks.h"

static struct alloc_log *the_log; /* NULL before the first start */

bool heap_view_has_log;

/* ---- start and stop ---- */

static void code_freed(const void *address)
{
    code_registry_forget(&frame_stack_codes, address);
    frame_stack_forget();
}

static uint32_t library_code(const char *path)
{
    return code_registry_library(&frame_stack_codes, path);
}

static bool sees_objects(void)
{
    return object_hooks_reached(PYMEM_DOMAIN_OBJ);
}

static bool sees_memory(void)
{
    return object_hooks_reached(PYMEM_DOMAIN_MEM);
}

/* Whether what was just allocated, or what that was made of, came to us. It is not the program's.
 */
static bool is_latest_ours(void)
{
    bool is_seen = the_log->latest != NULL;

    alloc_maps_undo(the_log->latest);
    alloc_log_undo(the_log->latest);
    return is_seen;
}

static bool sees_raw(void)
{
    void *block;
    bool is_seen;

    the_log->latest = NULL;
    block = PyMem_RawMalloc(40);
    is_seen = is_latest_ours();
    PyMem_RawFree(block);
    return is_seen;
}

static bool sees_library(void)
{
    char *block;
    bool is_seen;

    the_log->latest = NULL;
    block = strdup("memory_profiler");
    is_seen = is_latest_ours();
    free(block);
    return is_seen;
}

static bool sees_maps(void)
{
    void *arena;
    bool is_seen;

    the_log->latest = NULL;
    arena = arena_hook_map();
    is_seen = is_latest_ours();
    arena_hook_unmap(arena);
    return is_seen;
}

static const struct source {
    const char *name;
    bool (*is_seen)(void);
    bool may_be_lost; /* somebody may put back what was there before us */
} sources[] = {
    {"objects of Python", sees_objects, true},
    {"the memory of Python's objects", sees_memory, true},
    {"malloc() in Python", sees_raw, false},
    {"malloc() in the C library", sees_library, false},
    {"mmap() in Python", sees_maps, false},
};

/* The names of sources, of those that may be lost or all, of which no block comes to us, or NULL
 * with an exception. */
static PyObject *unseen_sources(bool only_lost)
{
    PyObject *names = PyList_New(0), *name;

    for (size_t i = 0; names != NULL && i < sizeof sources / sizeof *sources; i++) {
        if ((only_lost && !sources[i].may_be_lost) || sources[i].is_seen())
            continue;
        name = PyUnicode_FromString(sources[i].name);
        if (name == NULL || PyList_Append(names, name) != 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

PyDoc_STRVAR(
    heap_start_doc,
    "heap_start(ours, launcher, max_stacks=0, /) -> list[str]\n\n"
    "Record who allocates, from now on, into an empty log; 0 is the usual number of\n"
    "stacks. What code of files below the folder `ours` allocates, or of the file\n"
    "`launcher`, is the tool's. What cannot be seen in this process comes back, in words.\n"
    "RuntimeError where nothing can be recorded.");

static PyObject *heap_start(PyObject *module, PyObject *args)
{
    const struct alloc_log receiver = {.holds = object_hooks_hold,
                                       .node = object_hooks_node,
                                       .code_freed = code_freed,
                                       .library = object_hooks_library,
                                       .library_code = library_code};
    unsigned int max_stacks = 0;
    PyObject *ours, *launcher;
    int error;

    if (!PyArg_ParseTuple(args, "UU|I:heap_start", &ours, &launcher, &max_stacks))
        return NULL;
#ifdef Py_GIL_DISABLED
    return PyErr_Format(PyExc_RuntimeError, "allocations are not recorded on free-threaded Python");
#endif
    if (PyThreadState_Get()->interp != PyInterpreterState_Main())
        return PyErr_Format(PyExc_RuntimeError,
                            "allocations are recorded in the main interpreter only");
    error = malloc_hooks_install((const void *)heap_start);
    if (error >= 0 || error == -ENOTSUP) { /* then the objects of Python alone are seen */
        code_registry_clear(&frame_stack_codes);
        code_registry_tell_ours(&frame_stack_codes, ours, launcher);
        frame_stack_forget();
        object_hooks_install();
        arena_hook_install();
        error = alloc_log_start(&the_log, max_stacks, &receiver);
        heap_view_has_log = the_log != NULL && the_log->tree != NULL;
    }
    if (error != 0)
        return PyErr_Format(PyExc_RuntimeError, "allocations cannot be recorded: %s",
                            error == -EBUSY ? "they are already" : strerror(-error));
    return tracer_see_recording(module_state_of(module)) != 0 ? NULL : unseen_sources(false);
}

PyDoc_STRVAR(heap_stop_doc,
             "heap_stop() -> list[str]\n\n"
             "Record no more; the log can be read until a new start. What was not seen to the\n"
             "end comes back, in words; nothing where nothing was recorded.");

static PyObject *heap_stop(PyObject *module, PyObject *unused)
{
    PyObject *missing;

    (void)module, (void)unused;
    if (atomic_load(&alloc_log_active) == NULL)
        return PyList_New(0);
    missing = unseen_sources(true);
    alloc_log_stop();
    arena_hook_remove();
    return missing;
}

/* ---- rows ---- */

/* Files of the log's codes, and the lines of each, while rows are made. */
struct places {
    uint32_t *files; /* of a code, from 1 on */
    int **lines;     /* of a code's instructions, or NULL */
    uint32_t *n_lines;
    bool has_failed;
};

static void places_release(struct places *places)
{
    for (uint32_t i = 0; places->lines != NULL && i < frame_stack_codes.n_entries; i++)
        PyMem_RawFree(places->lines[i]);
    PyMem_RawFree(places->files);
    PyMem_RawFree(places->lines);
    PyMem_RawFree(places->n_lines);
}

/* Gives each code the number of its file; a list of their names, the first for none. */
static PyObject *number_files(struct places *places)
{
    PyObject *numbers = PyDict_New(), *names = Py_BuildValue("[O]", Py_None);
    uint32_t n = frame_stack_codes.n_entries;

    places->files = PyMem_RawCalloc(n + 1, sizeof *places->files);
    places->lines = PyMem_RawCalloc(n + 1, sizeof *places->lines);
    places->n_lines = PyMem_RawCalloc(n + 1, sizeof *places->n_lines);
    if (places->files == NULL || places->lines == NULL || places->n_lines == NULL)
        PyErr_NoMemory();
    for (uint32_t i = 1; i < n && !PyErr_Occurred() && numbers != NULL && names != NULL; i++) {
        PyObject *name = code_text_object(&code_registry_entry(&frame_stack_codes, i)->file);
        PyObject *next = name == NULL ? NULL : PyLong_FromSsize_t(PyList_GET_SIZE(names)), *number;

        number = next == NULL ? NULL : PyDict_SetDefault(numbers, name, next);
        if (number != NULL && (number != next || PyList_Append(names, name) == 0))
            places->files[i] = (uint32_t)PyLong_AsUnsignedLong(number);
        Py_XDECREF(next);
        Py_XDECREF(name);
    }
    Py_XDECREF(numbers);
    if (PyErr_Occurred())
        Py_CLEAR(names);
    return names;
}

static int line_at(struct places *places, uint32_t code, uint32_t offset)
{
    uint32_t at = offset / FRAME_CODE_UNIT;

    if (places->lines[code] == NULL) {
        places->lines[code] =
            code_entry_lines(code_registry_entry(&frame_stack_codes, code), &places->n_lines[code]);
        places->has_failed |= places->lines[code] == NULL;
    }
    return places->lines[code] == NULL || at >= places->n_lines[code] ? 0 : places->lines[code][at];
}

static uint64_t place_of(void *context, uint32_t code, uint32_t offset)
{
    struct places *places = context;

    if (code_registry_entry(&frame_stack_codes, code)->is_library)
        return ALLOC_PLACE_OF_CALLER;
    return (uint64_t)places->files[code] << 32 | (uint32_t)line_at(places, code, offset);
}

static PyObject *sums_tuple(const struct heap_sums *sums)
{
    return Py_BuildValue("(KKLLLL)", (unsigned long long)sums->allocated_bytes,
                         (unsigned long long)sums->allocations, (long long)sums->at_peak_bytes,
                         (long long)sums->at_peak_blocks, (long long)sums->left_bytes,
                         (long long)sums->left_blocks);
}

static PyObject *rows_list(const struct alloc_rows *rows, PyObject *names)
{
    PyObject *list = PyList_New((Py_ssize_t)rows->n), *row;

    for (size_t i = 0; list != NULL && i < rows->n; i++) {
        row = Py_BuildValue("(OkNN)", PyList_GET_ITEM(names, rows->files[i]),
                            (unsigned long)rows->lines[i], sums_tuple(&rows->inclusive[i]),
                            sums_tuple(&rows->own[i]));
        if (row == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, row);
    }
    return list;
}

PyDoc_STRVAR(heap_rows_doc,
             "heap_rows() -> list\n\n"
             "(file, line, inclusive, own) for each line on a stack that allocated, after\n"
             "heap_stop(). The last two are (allocated bytes, allocations, bytes at the peak,\n"
             "blocks, bytes left, blocks). File None: line 1 is threads without Python, line 2\n"
             "Python without a frame.");

static PyObject *heap_rows(PyObject *module, PyObject *unused)
{
    struct places places = {0};
    struct alloc_rows rows = {0};
    PyObject *names, *list = NULL;

    (void)module, (void)unused;
    if (the_log == NULL || the_log->tree == NULL)
        return PyList_New(0);
    names = number_files(&places);
    if (names != NULL) {
        if (alloc_rows_make(&rows, the_log->tree, &the_log->ledger, place_of, &places) != 0 ||
            places.has_failed)
            PyErr_NoMemory();
        else
            list = rows_list(&rows, names);
    }
    alloc_rows_release(&rows);
    places_release(&places);
    Py_XDECREF(names);
    return list;
}

/* ---- totals ---- */

int64_t heap_view_log_bytes(void)
{
    return (int64_t)(alloc_log_bytes(the_log) + frame_stack_bytes() + malloc_hooks_bytes());
}

/* A library is named where no Python has called it; else that is its caller. */
static uint32_t of_python(uint32_t node)
{
    const struct alloc_key *key = alloc_tree_key(the_log->tree, node);

    return node >= ALLOC_ROOTS && key->parent >= ALLOC_ROOTS &&
                   code_registry_entry(&frame_stack_codes, key->code)->is_library
               ? key->parent
               : node;
}

/* The innermost code of a node that is none of the roots: (file, line, name), or None. */
static PyObject *place_tuple(uint32_t raised)
{
    uint32_t node = of_python(raised);
    const struct alloc_key *key = alloc_tree_key(the_log->tree, node);
    const struct code_entry *entry;
    uint32_t n = 0, at = key->offset / FRAME_CODE_UNIT;
    int *lines;
    PyObject *place;

    if (node < ALLOC_ROOTS)
        Py_RETURN_NONE;
    entry = code_registry_entry(&frame_stack_codes, key->code);
    lines = code_entry_lines(entry, &n);
    if (lines == NULL)
        return PyErr_NoMemory();
    place = Py_BuildValue("(NiN)", code_text_object(&entry->file), at < n ? lines[at] : 0,
                          code_text_object(&entry->name));
    PyMem_RawFree(lines);
    return place;
}

PyDoc_STRVAR(heap_totals_doc,
             "heap_totals() -> tuple\n\n"
             "After heap_stop(): the six numbers of all stacks, as in heap_rows(); the place\n"
             "(file, line, name) whose allocation was the peak, or None; blocks freed unseen;\n"
             "blocks not followed; stacks; lookups beyond the number of stacks; resident bytes\n"
             "of the log.");

static PyObject *heap_totals(PyObject *module, PyObject *unused)
{
    const struct heap_owner *raised;
    struct heap_sums sums = {0}, one;
    uint32_t node = ALLOC_NONE;

    (void)module, (void)unused;
    if (the_log == NULL || the_log->tree == NULL)
        return PyErr_Format(PyExc_RuntimeError, "no allocations were recorded");
    raised = heap_ledger_raised(&the_log->ledger);
    for (uint32_t i = 1; i < alloc_tree_count(the_log->tree); i++) {
        const struct heap_owner *owner = alloc_tree_owner(the_log->tree, i);

        heap_owner_sums(owner, &the_log->ledger, &one);
        heap_sums_add(&sums, &one);
        if (owner == raised)
            node = i;
    }
    return Py_BuildValue("(NNKKKKn)", sums_tuple(&sums), place_tuple(node),
                         (unsigned long long)the_log->ledger.n_freed_unseen,
                         (unsigned long long)the_log->n_unfollowed,
                         (unsigned long long)alloc_tree_count(the_log->tree) - ALLOC_ROOTS,
                         (unsigned long long)the_log->tree->n_over_budget,
                         (Py_ssize_t)heap_view_bytes());
}

static PyMethodDef methods[] = {
    {"heap_start", heap_start, METH_VARARGS, heap_start_doc},
    {"heap_stop", heap_stop, METH_NOARGS, heap_stop_doc},
    {"heap_rows", heap_rows, METH_NOARGS, heap_rows_doc},
    {"heap_totals", heap_totals, METH_NOARGS, heap_totals_doc},
    {NULL, NULL, 0, NULL},
};

int heap_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
