#include "memprof/ext/heap_watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/ext/side_thread.h"
#include "memprof/ext/walk_error.h"
#include "memprof/machine/clock.h"

#define LOOK_NS INT64_C(100000000)

struct heap_watch {
    char *folder;
    PyObject *answer; /* called with the pid */
    struct side_thread side;
};

/* Whether a request was there; it is ours then. */
static bool take_request(const struct heap_watch *watch)
{
    char asked[PATH_MAX], taken[PATH_MAX];
    long pid = (long)getpid();

    if (snprintf(asked, sizeof asked, "%s/ask.%ld", watch->folder, pid) >= (int)sizeof asked ||
        snprintf(taken, sizeof taken, "%s/taken.%ld", watch->folder, pid) >= (int)sizeof taken)
        return false;
    return rename(asked, taken) == 0;
}

/* Nobody is there to whom an exception could be told: who asks hears that there is no answer. */
static void answer(const struct heap_watch *watch)
{
    PyObject *result = PyObject_CallFunction(watch->answer, "l", (long)getpid());

    if (result == NULL)
        PyErr_Clear();
    Py_XDECREF(result);
}

static void *run(void *context)
{
    struct heap_watch *watch = context;

    while (!side_thread_sleep(&watch->side, clock_monotonic_ns() + LOOK_NS)) {
        PyGILState_STATE held;

        if (!take_request(watch))
            continue;
        held = PyGILState_Ensure();
        answer(watch);
        PyGILState_Release(held);
    }
    return NULL;
}

static void release(void *context)
{
    struct heap_watch *watch = context;

    side_thread_release(&watch->side);
    Py_XDECREF(watch->answer);
    free(watch->folder);
    free(watch);
}

/* What answers is Python, which needs some stack. */
static const struct side_thread_kind kind = {
    .run = run, .release = release, .stack_size = (size_t)4 * 1024 * 1024};

/* ---- for Python ---- */

static struct heap_watch *watch_new(const char *folder, PyObject *answer)
{
    struct heap_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return NULL;
    watch->folder = strdup(folder);
    if (watch->folder == NULL || side_thread_init(&watch->side, &kind, watch) != 0) {
        free(watch->folder);
        free(watch);
        return NULL;
    }
    Py_INCREF(answer);
    watch->answer = answer;
    return watch;
}

PyDoc_STRVAR(heap_watch_doc,
             "heap_watch(folder, answer, /) -> object\n\n"
             "Call answer(pid) for each request ask.PID in the folder, which is taken.PID then.\n"
             "RuntimeError on free-threaded Python, and where this is not the main interpreter.");

static PyObject *heap_watch(PyObject *module, PyObject *args)
{
    struct heap_watch *watch;
    PyObject *folder, *function;

    (void)module;
    if (walk_is_refused("the heap is told of the main interpreter only") ||
        !PyArg_ParseTuple(args, "O&O:heap_watch", PyUnicode_FSConverter, &folder, &function))
        return NULL;
    watch = watch_new(PyBytes_AS_STRING(folder), function);
    Py_DECREF(folder);
    return watch == NULL ? PyErr_NoMemory() : side_thread_start(&watch->side);
}

static PyMethodDef methods[] = {
    {"heap_watch", heap_watch, METH_VARARGS, heap_watch_doc},
    {NULL, NULL, 0, NULL},
};

int heap_watch_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
