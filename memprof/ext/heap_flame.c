#include "memprof/ext/heap_flame.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "memprof/ext/alloc_places.h"
#include "memprof/ext/heap/frame_stack.h"
#include "memprof/ext/heap_view.h"
#include "memprof/heap/flame_tree.h"
#include "plots/flame.h"

/* ---- from the log ---- */

PyDoc_STRVAR(heap_flame_doc,
             "heap_flame(span=None, /) -> tuple\n\n"
             "The stacks of a span, or of all, as (files, functions, nodes) for flame_write():\n"
             "names; (number of a file, name), the first for no Python; struct flame_node one\n"
             "behind the other. Behind the functions come numbers of threads, where these are\n"
             "apart: 1 is the main thread, 66 all after the 64th.");

PyObject *heap_flame_make(const struct alloc_view *view)
{
    struct alloc_places places = {0};
    struct flame_tree tree = {0};
    PyObject *files = NULL, *functions = alloc_places_functions(&places, &files), *made = NULL;

    if (functions != NULL) {
        if (flame_tree_make(&tree, view, alloc_places_of_function, &places) != 0 ||
            places.has_failed)
            PyErr_NoMemory();
        else
            made = Py_BuildValue("(OOy#)", files, functions, (const char *)tree.nodes,
                                 (Py_ssize_t)(tree.n * sizeof *tree.nodes));
    }
    flame_tree_release(&tree);
    alloc_places_release(&places);
    Py_XDECREF(files);
    Py_XDECREF(functions);
    return made;
}

static PyObject *heap_flame(PyObject *module, PyObject *args)
{
    PyObject *span = Py_None, *made;
    struct alloc_view view;

    (void)module;
    if (!PyArg_ParseTuple(args, "|O:heap_flame", &span) || heap_view_of(span, &view) != 0)
        return NULL;
    alloc_pause();
    made = heap_flame_make(&view);
    alloc_resume();
    return made;
}

/* ---- to a file ---- */

/* What Python has handed over, as C wants it: texts are borrowed from its objects. */
struct given {
    struct flame flame;
    struct flame_process *processes; /* owned, as their arrays */
};

static void given_release(struct given *given)
{
    for (size_t p = 0; given->processes != NULL && p < given->flame.n_processes; p++) {
        PyMem_RawFree((void *)(uintptr_t)given->processes[p].files);
        PyMem_RawFree((void *)(uintptr_t)given->processes[p].functions);
    }
    PyMem_RawFree(given->processes);
}

static bool take_files(struct flame_process *process, PyObject *files)
{
    const char **names;

    process->n_files = (size_t)PyList_GET_SIZE(files);
    process->files = names = PyMem_RawCalloc(process->n_files + 1, sizeof *names);
    if (names == NULL)
        return PyErr_NoMemory() != NULL;
    for (size_t i = 0; i < process->n_files; i++)
        if ((names[i] = PyUnicode_AsUTF8(PyList_GET_ITEM(files, (Py_ssize_t)i))) == NULL)
            return false;
    return true;
}

static bool take_functions(struct flame_process *process, PyObject *functions)
{
    struct flame_function *taken;

    process->n_functions = (size_t)PyList_GET_SIZE(functions);
    process->functions = taken = PyMem_RawCalloc(process->n_functions + 1, sizeof *taken);
    if (taken == NULL)
        return PyErr_NoMemory() != NULL;
    for (size_t i = 0; i < process->n_functions; i++) {
        PyObject *item = PyList_GET_ITEM(functions, (Py_ssize_t)i);

        if (!PyTuple_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "a function is (number of a file, name)");
            return false;
        }
        if (!PyArg_ParseTuple(item, "Is", &taken[i].file, &taken[i].name))
            return false;
        if (i > 0 && taken[i].file >= process->n_files) {
            PyErr_SetString(PyExc_ValueError, "a function is of no file");
            return false;
        }
    }
    return true;
}

static bool take_nodes(struct flame_process *process, const char *bytes, Py_ssize_t size)
{
    const struct flame_node *nodes = (const void *)bytes;
    size_t n = (size_t)size / sizeof *nodes;
    bool is_right = n > 0 && (size_t)size % sizeof *nodes == 0 &&
                    (uintptr_t)bytes % _Alignof(struct flame_node) == 0;

    for (size_t i = 1; is_right && i < n; i++)
        is_right = nodes[i].parent < i && nodes[i].function < process->n_functions;
    process->nodes = nodes;
    process->n_nodes = n;
    if (!is_right)
        PyErr_SetString(PyExc_ValueError, "these are no nodes of stacks");
    return is_right;
}

static bool take_process(struct flame_process *process, PyObject *item)
{
    PyObject *files, *functions;
    const char *bytes;
    Py_ssize_t size;

    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError, "a process is (name, files, functions, nodes)");
        return false;
    }
    return PyArg_ParseTuple(item, "sO!O!y#", &process->name, &PyList_Type, &files, &PyList_Type,
                            &functions, &bytes, &size) &&
           take_files(process, files) && take_functions(process, functions) &&
           take_nodes(process, bytes, size);
}

static bool take_processes(struct given *given, PyObject *processes)
{
    size_t n = (size_t)PyList_GET_SIZE(processes);

    if (n == 0) {
        PyErr_SetString(PyExc_ValueError, "there are no processes");
        return false;
    }
    given->processes = PyMem_RawCalloc(n, sizeof *given->processes);
    if (given->processes == NULL)
        return PyErr_NoMemory() != NULL;
    given->flame.processes = given->processes;
    given->flame.n_processes = n;
    for (size_t p = 0; p < n; p++)
        if (!take_process(&given->processes[p], PyList_GET_ITEM(processes, (Py_ssize_t)p)))
            return false;
    return true;
}

static int write_as(FILE *out, const char *form, const struct flame *flame)
{
    return form[0] == 'h'   ? flame_page_write(out, flame)
           : form[0] == 't' ? flame_stacks_write(out, flame, flame->first)
                            : flame_json_write(out, flame);
}

/* To a copy of the descriptor, which a stream closes with it. */
static int write_to(int fd, const char *form, const struct flame *flame)
{
    int copy = dup(fd), error;
    FILE *out = copy < 0 ? NULL : fdopen(copy, "wb");

    if (out == NULL) {
        error = errno;
        if (copy >= 0)
            close(copy);
        return -error;
    }
    errno = 0;
    error = write_as(out, form, flame);
    if (error == -EIO && errno != 0)
        error = -errno;
    if (fclose(out) != 0 && error == 0)
        error = -errno;
    return error;
}

PyDoc_STRVAR(flame_write_doc,
             "flame_write(fd, form, view, title, subtitle, processes, /)\n\n"
             "Writes stacks to a descriptor: form \"html\", \"txt\" (of one view) or \"json\".\n"
             "View 0: at the peak, 1: left, 2: allocated. Processes are (name, files, functions,\n"
             "nodes), as of heap_flame(); texts must be fit to be shown. OSError, ValueError.");

static PyObject *flame_write(PyObject *module, PyObject *args)
{
    struct given given = {{0}, NULL};
    PyObject *processes;
    const char *form;
    int fd, view, error = -EINVAL;

    (void)module;
    if (!PyArg_ParseTuple(args, "isissO!:flame_write", &fd, &form, &view, &given.flame.title,
                          &given.flame.subtitle, &PyList_Type, &processes))
        return NULL;
    if (view < 0 || view >= FLAME_VIEWS)
        return PyErr_Format(PyExc_ValueError, "there is no view %d", view);
    given.flame.first = (enum flame_view)view;
    alloc_pause();
    if (take_processes(&given, processes)) {
        Py_BEGIN_ALLOW_THREADS error = write_to(fd, form, &given.flame);
        Py_END_ALLOW_THREADS if (error != 0)
        {
            errno = -error;
            PyErr_SetFromErrno(PyExc_OSError);
        }
    }
    given_release(&given);
    alloc_resume();
    if (error != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"heap_flame", heap_flame, METH_VARARGS, heap_flame_doc},
    {"flame_write", flame_write, METH_VARARGS, flame_write_doc},
    {NULL, NULL, 0, NULL},
};

int heap_flame_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
