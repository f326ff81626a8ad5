#include "memprof/ext/heap_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/ext/heap/arena_hook.h"
#include "memprof/ext/heap/frame_stack.h"
#include "memprof/ext/heap/object_hooks.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/heap/alloc_log_span.h"
#include "memprof/heap/alloc_maps.h"
#include "memprof/heap/malloc_hooks.h"

struct alloc_log *heap_view_log;

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
    bool is_seen = heap_view_log->latest != NULL;

    alloc_maps_undo(heap_view_log->latest);
    alloc_log_undo(heap_view_log->latest);
    return is_seen;
}

static bool sees_raw(void)
{
    void *block;
    bool is_seen;

    heap_view_log->latest = NULL;
    block = PyMem_RawMalloc(40);
    is_seen = is_latest_ours();
    PyMem_RawFree(block);
    return is_seen;
}

static bool sees_library(void)
{
    /* By a pointer: of strdup() a compiler knows that it changes nothing of ours, and it does. */
    char *(*volatile copy)(const char *) = strdup;
    char *block;
    bool is_seen;

    heap_view_log->latest = NULL;
    block = copy("memory_profiler");
    is_seen = is_latest_ours();
    free(block);
    return is_seen;
}

static bool sees_maps(void)
{
    void *arena;
    bool is_seen;

    heap_view_log->latest = NULL;
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
    "heap_start(ours, launcher, max_stacks=0, parts_threads=False, /) -> list[str]\n\n"
    "Record who allocates, from now on, into an empty log; 0 is the usual number of\n"
    "stacks, and parts_threads keeps those of threads apart. What code of files below the folder "
    "`ours` allocates, or of the file\n"
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
    int error, parts_threads = 0;

    if (!PyArg_ParseTuple(args, "UU|Ip:heap_start", &ours, &launcher, &max_stacks, &parts_threads))
        return NULL;
#ifdef Py_GIL_DISABLED
    return PyErr_Format(PyExc_RuntimeError, "allocations are not recorded on free-threaded Python");
#endif
    if (atomic_load(&alloc_log_active) != NULL) /* before anything of its log is touched */
        return PyErr_Format(PyExc_RuntimeError, "allocations cannot be recorded: they are already");
    if (Py_IsFinalizing()) /* modules are cleared, and what runs finds half of them */
        return PyErr_Format(PyExc_RuntimeError,
                            "allocations are not recorded while the interpreter ends");
    if (PyThreadState_Get()->interp != PyInterpreterState_Main())
        return PyErr_Format(PyExc_RuntimeError,
                            "allocations are recorded in the main interpreter only");
    error = malloc_hooks_install((const void *)heap_start);
    if (error >= 0 || error == -ENOTSUP) { /* then the objects of Python alone are seen */
        code_registry_clear(&frame_stack_codes);
        code_registry_tell_ours(&frame_stack_codes, ours, launcher);
        frame_stack_part_threads(parts_threads);
        frame_stack_forget();
        object_hooks_install();
        arena_hook_install();
        error = alloc_log_start(&heap_view_log, max_stacks, &receiver);
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

PyDoc_STRVAR(heap_unhook_doc,
             "heap_unhook()\n\n"
             "After heap_stop(): allocators are what they were, but where somebody has wrapped\n"
             "them meanwhile; what is left passes through.");

static PyObject *heap_unhook(PyObject *module, PyObject *unused)
{
    (void)unused;
    if (atomic_load(&alloc_log_active) == NULL) {
        object_hooks_remove();
        malloc_hooks_remove();
        if (tracer_see_recording(module_state_of(module)) != 0)
            return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- spans ---- */

#define CAPSULE "memory_profiler.heap_span"

struct heap_span {
    struct alloc_span *span; /* owned; NULL: all that the log has counted */
    uint64_t n_starts;       /* of the log that it is of */
};

static void span_free(PyObject *capsule)
{
    struct heap_span *span = PyCapsule_GetPointer(capsule, CAPSULE);

    if (span->span != NULL)
        alloc_log_span_end(heap_view_log, span->span);
    alloc_span_free(span->span);
    PyMem_RawFree(span);
}

static PyObject *span_new(bool is_whole)
{
    struct heap_span *span;
    PyObject *capsule;
    int error;

    alloc_pause();
    span = PyMem_RawCalloc(1, sizeof *span);
    error = span == NULL ? -ENOMEM
            : is_whole   ? 0
                         : alloc_log_span_begin(heap_view_log, &span->span);
    capsule = error != 0 ? PyErr_NoMemory() : PyCapsule_New(span, CAPSULE, span_free);
    if (capsule != NULL)
        span->n_starts = heap_view_log->n_starts;
    else
        PyMem_RawFree(span);
    alloc_resume();
    return capsule;
}

PyDoc_STRVAR(heap_whole_doc,
             "heap_whole() -> object\n\n"
             "After heap_start(): a span of all that is recorded until the next start.");

static PyObject *heap_whole(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    if (heap_view_log == NULL)
        return PyErr_Format(PyExc_RuntimeError, "no allocations were recorded");
    return span_new(true);
}

PyDoc_STRVAR(heap_span_begin_doc,
             "heap_span_begin() -> object | None\n\n"
             "Count anew from now on, beside all else, until heap_span_end(); None while\n"
             "nothing is recorded.");

static PyObject *heap_span_begin(PyObject *module, PyObject *unused)
{
    PyObject *capsule;

    (void)module, (void)unused;
    if (atomic_load(&alloc_log_active) == NULL)
        Py_RETURN_NONE;
    capsule = span_new(false);
    if (capsule != NULL)
        frame_stack_forget(); /* all stacks have new nodes */
    return capsule;
}

PyDoc_STRVAR(heap_span_end_doc,
             "heap_span_end(span, /)\n\n"
             "It can be read, as what was recorded when it ended, until blocks of it are freed.");

static PyObject *heap_span_end(PyObject *module, PyObject *capsule)
{
    const struct heap_span *span = PyCapsule_GetPointer(capsule, CAPSULE);

    (void)module;
    if (span == NULL)
        return NULL;
    if (span->span != NULL)
        alloc_log_span_end(heap_view_log, span->span);
    Py_RETURN_NONE;
}

int heap_view_of(PyObject *span, struct alloc_view *view)
{
    const struct heap_span *of = NULL;

    if (span != Py_None && (of = PyCapsule_GetPointer(span, CAPSULE)) == NULL)
        return -1;
    if (heap_view_log == NULL || heap_view_log->tree == NULL ||
        (of != NULL && of->n_starts != heap_view_log->n_starts)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "no allocations were recorded, or others have been since");
        return -1;
    }
    if (atomic_load(&alloc_log_active) != NULL)
        alloc_log_flush(heap_view_log);
    *view = (struct alloc_view){heap_view_log->tree, &heap_view_log->ledger,
                                of == NULL ? NULL : of->span};
    return 0;
}

/* ---- bytes ---- */

int64_t heap_view_log_bytes(void)
{
    if (heap_view_log->tree == NULL)
        return 0;
    return (int64_t)(alloc_log_bytes(heap_view_log) + frame_stack_bytes() + malloc_hooks_bytes());
}

static PyMethodDef methods[] = {
    {"heap_start", heap_start, METH_VARARGS, heap_start_doc},
    {"heap_stop", heap_stop, METH_NOARGS, heap_stop_doc},
    {"heap_unhook", heap_unhook, METH_NOARGS, heap_unhook_doc},
    {"heap_whole", heap_whole, METH_NOARGS, heap_whole_doc},
    {"heap_span_begin", heap_span_begin, METH_NOARGS, heap_span_begin_doc},
    {"heap_span_end", heap_span_end, METH_O, heap_span_end_doc},
    {NULL, NULL, 0, NULL},
};

int heap_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
