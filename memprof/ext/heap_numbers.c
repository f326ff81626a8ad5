#include "memprof/ext/heap_numbers.h"

#include <stdlib.h>

#include "memprof/ext/alloc_places.h"
#include "memprof/ext/heap/frame_stack.h"
#include "memprof/ext/heap_flame.h"
#include "memprof/ext/heap_view.h"
#include "memprof/heap/alloc_rows.h"

/* ---- rows ---- */

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
             "heap_rows(span=None, /) -> list\n\n"
             "(file, line, inclusive, own) for each line on a stack that allocated, in the span\n"
             "or in all. The last two are (allocated bytes, allocations, bytes at the peak,\n"
             "blocks, bytes left, blocks). File None: line 1 is threads without Python, line 2\n"
             "Python without a frame. What asks for it is not recorded.");

static PyObject *make_rows(const struct alloc_view *view)
{
    struct alloc_places places = {0};
    struct alloc_rows rows = {0};
    PyObject *names = alloc_places_files(&places), *list = NULL;

    if (names != NULL) {
        if (alloc_rows_make(&rows, view, alloc_places_of, &places) != 0 || places.has_failed)
            PyErr_NoMemory();
        else
            list = rows_list(&rows, names);
    }
    alloc_rows_release(&rows);
    alloc_places_release(&places);
    Py_XDECREF(names);
    return list;
}

static PyObject *heap_rows(PyObject *module, PyObject *args)
{
    PyObject *span = Py_None, *rows;
    struct alloc_view view;

    (void)module;
    if (!PyArg_ParseTuple(args, "|O:heap_rows", &span) || heap_view_of(span, &view) != 0)
        return NULL;
    alloc_pause();
    rows = make_rows(&view);
    alloc_resume();
    return rows;
}

/* ---- totals ---- */

/* Neither a root nor a thread. */
static bool is_frame(const struct alloc_key *key)
{
    return key->code != 0 && key->code != frame_stack_codes.thread;
}

/* The innermost code of a node that is none of the roots: (file, line, name), or None. */
static PyObject *place_tuple(const struct alloc_tree *tree, uint32_t node)
{
    const struct alloc_key *key = alloc_tree_key(tree, node);
    const struct code_entry *entry;
    uint32_t n = 0, at = key->offset / FRAME_CODE_UNIT;
    int *lines;
    PyObject *place;

    if (!is_frame(key))
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

/* A library is named where no Python has called it; else that is its caller. */
static uint32_t of_python(const struct alloc_tree *tree, uint32_t node)
{
    const struct alloc_key *key = alloc_tree_key(tree, node);

    return is_frame(key) && is_frame(alloc_tree_key(tree, key->parent)) &&
                   code_registry_entry(&frame_stack_codes, key->code)->is_library
               ? key->parent
               : node;
}

PyDoc_STRVAR(heap_totals_doc,
             "heap_totals(span=None, /) -> tuple\n\n"
             "Of a span, or of all: the six numbers of all stacks, as in heap_rows(); the place\n"
             "(file, line, name) whose allocation was the peak, or None; blocks freed unseen;\n"
             "blocks not followed; stacks; lookups beyond the number of stacks; resident bytes\n"
             "of the log.");

static PyObject *make_totals(const struct alloc_view *view)
{
    const struct heap_owner *raised = heap_ledger_raised(alloc_view_ledger(view));
    const struct alloc_tree *tree = view->tree;
    struct heap_sums sums;
    uint32_t node = ALLOC_NO_PYTHON;

    while (node < alloc_tree_count(tree) && alloc_tree_owner(tree, node) != raised)
        node++;
    node = node < alloc_tree_count(tree) ? of_python(tree, node) : ALLOC_NO_PYTHON;
    alloc_view_sums(view, &sums);
    return Py_BuildValue(
        "(NNKKKKn)", sums_tuple(&sums), place_tuple(tree, node),
        (unsigned long long)view->ledger->n_freed_unseen,
        (unsigned long long)heap_view_log->n_unfollowed,
        (unsigned long long)(alloc_tree_count(tree) - ALLOC_NO_PYTHON - tree->n_roots),
        (unsigned long long)tree->n_over_budget, (Py_ssize_t)heap_view_bytes());
}

static PyObject *heap_totals(PyObject *module, PyObject *args)
{
    PyObject *span = Py_None, *totals;
    struct alloc_view view;

    (void)module;
    if (!PyArg_ParseTuple(args, "|O:heap_totals", &span) || heap_view_of(span, &view) != 0)
        return NULL;
    alloc_pause();
    totals = make_totals(&view);
    alloc_resume();
    return totals;
}

/* ---- stacks ---- */

enum { AT_PEAK, LEFT, ALLOCATED };

static uint64_t bytes_by(const struct heap_sums *sums, int by)
{
    return by == AT_PEAK ? sums->at_peak_bytes
           : by == LEFT  ? sums->left_bytes
                         : sums->allocated_bytes;
}

struct ranked {
    uint64_t bytes;
    uint32_t node;
};

/* Most bytes first; of equals the one that was made first. */
static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->node < b->node ? -1 : 1;
}

/* All stacks that have something, ranked; NULL without memory. The caller frees them. */
static struct ranked *rank_stacks(const struct alloc_view *view, int by, size_t *n)
{
    struct ranked *all = PyMem_RawMalloc(alloc_tree_count(view->tree) * sizeof *all);
    struct heap_sums sums;

    *n = 0;
    for (uint32_t node = ALLOC_NO_PYTHON; all != NULL && node < alloc_tree_count(view->tree);
         node++) {
        alloc_view_own(view, node, &sums);
        if (bytes_by(&sums, by) > 0)
            all[(*n)++] = (struct ranked){bytes_by(&sums, by), node};
    }
    if (all != NULL)
        qsort(all, *n, sizeof *all, compare_ranked);
    return all;
}

/* The frames of a node, the innermost first. */
static PyObject *frames_list(const struct alloc_tree *tree, uint32_t node)
{
    PyObject *frames = PyList_New(0), *place;

    for (; frames != NULL && is_frame(alloc_tree_key(tree, node));
         node = alloc_tree_key(tree, node)->parent) {
        place = place_tuple(tree, node);
        if (place == NULL || PyList_Append(frames, place) != 0)
            Py_CLEAR(frames);
        Py_XDECREF(place);
    }
    return frames;
}

static PyObject *make_stacks(const struct alloc_view *view, const struct ranked *ranked, size_t n)
{
    PyObject *stacks = PyList_New((Py_ssize_t)n), *stack;
    struct heap_sums sums;

    for (size_t i = 0; stacks != NULL && i < n; i++) {
        alloc_view_own(view, ranked[i].node, &sums);
        stack = Py_BuildValue("(NN)", frames_list(view->tree, ranked[i].node), sums_tuple(&sums));
        if (stack == NULL)
            Py_CLEAR(stacks);
        else
            PyList_SET_ITEM(stacks, (Py_ssize_t)i, stack);
    }
    return stacks;
}

PyDoc_STRVAR(heap_stacks_doc,
             "heap_stacks(most, by, span=None, /) -> list\n\n"
             "The stacks that have most bytes, at most so many, of a span or of all: (frames, the\n"
             "six numbers of what its innermost instruction allocated). A frame is (file, line,\n"
             "name), the innermost first; none: no Python. By 0: at the peak, 1: left, 2:\n"
             "allocated. Those that have nothing are left out.");

static PyObject *stacks_by(const struct alloc_view *view, unsigned int most, int by)
{
    size_t n;
    struct ranked *ranked = rank_stacks(view, by, &n);
    PyObject *stacks =
        ranked == NULL ? PyErr_NoMemory() : make_stacks(view, ranked, n < most ? n : most);

    PyMem_RawFree(ranked);
    return stacks;
}

static PyObject *heap_stacks(PyObject *module, PyObject *args)
{
    PyObject *span = Py_None, *stacks;
    struct alloc_view view;
    unsigned int most;
    int by;

    (void)module;
    if (!PyArg_ParseTuple(args, "Ii|O:heap_stacks", &most, &by, &span) ||
        heap_view_of(span, &view) != 0)
        return NULL;
    alloc_pause();
    stacks = stacks_by(&view, most, by);
    alloc_resume();
    return stacks;
}

/* ---- all of it ---- */

PyDoc_STRVAR(heap_read_doc,
             "heap_read(most, span=None, /) -> tuple\n\n"
             "All that can be asked of a span, or of all, at one moment, as far as threads with\n"
             "the interpreter's lock are concerned: heap_totals(), heap_stacks() by each of the\n"
             "three, heap_rows(), heap_flame().");

static PyObject *read_all(const struct alloc_view *view, unsigned int most)
{
    return Py_BuildValue("(NNNNNN)", make_totals(view), stacks_by(view, most, AT_PEAK),
                         stacks_by(view, most, LEFT), stacks_by(view, most, ALLOCATED),
                         make_rows(view), heap_flame_make(view));
}

static PyObject *heap_read(PyObject *module, PyObject *args)
{
    PyObject *span = Py_None, *all;
    struct alloc_view view;
    unsigned int most;
    int was_enabled;

    (void)module;
    if (!PyArg_ParseTuple(args, "I|O:heap_read", &most, &span))
        return NULL;
    was_enabled = PyGC_Disable(); /* finalizers could let another thread run */
    alloc_pause();
    all = heap_view_of(span, &view) == 0 ? read_all(&view, most) : NULL;
    alloc_resume();
    if (was_enabled)
        PyGC_Enable();
    return all;
}

static PyMethodDef methods[] = {
    {"heap_read", heap_read, METH_VARARGS, heap_read_doc},
    {"heap_stacks", heap_stacks, METH_VARARGS, heap_stacks_doc},
    {"heap_rows", heap_rows, METH_VARARGS, heap_rows_doc},
    {"heap_totals", heap_totals, METH_VARARGS, heap_totals_doc},
    {NULL, NULL, 0, NULL},
};

int heap_numbers_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
