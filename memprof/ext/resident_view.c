#include "memprof/ext/resident_view.h"

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/heap_view.h"
#include "memprof/ext/heap/pymalloc_state.h"
#include "memprof/machine/malloc_state.h"
#include "memprof/machine/oom_kills.h"
#include "memprof/machine/process.h"
#include "memprof/machine/resident.h"

PyDoc_STRVAR(resident_parts_doc,
             "resident_parts() -> dict[str, int | None]\n\n"
             "Bytes of this process. Resident: rss, which is files + shared + stacks + heap.\n"
             "Addresses of heap, resident or not: heap_size. Of them given out by malloc(),\n"
             "free in it, and mapped by it for large blocks: malloc_used, malloc_free,\n"
             "malloc_mapped; pymalloc's arenas, and what it gave out: arenas, arenas_used;\n"
             "of stacks on which Python keeps its frames: frames; the profiler's own: profiler. "
             "Moved out: swap. None: cannot be asked. OSError\n"
             "where the system tells nothing.");

/* Bytes that the threads have for Python's frames: mapped past malloc(), in chunks. */
static int64_t frames_bytes(void)
{
    int64_t bytes = 0;

#if PY_VERSION_HEX >= 0x030b0000
    PyThreadState *thread = PyInterpreterState_ThreadHead(PyInterpreterState_Get());

    for (; thread != NULL; thread = PyThreadState_Next(thread)) {
        for (_PyStackChunk *chunk = thread->datastack_chunk; chunk != NULL; chunk = chunk->previous)
            bytes += (int64_t)chunk->size;
    }
#endif
    return bytes;
}

/* A number, or None where there is an error. */
static PyObject *bytes_or_none(int error, int64_t bytes)
{
    return error != 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(bytes);
}

static PyObject *resident_parts(PyObject *module, PyObject *unused)
{
    struct pymalloc_state pymalloc = {0};
    struct malloc_state state = {0};
    struct resident_parts parts;
    int no_pymalloc = pymalloc_state_read(&pymalloc), no_malloc = malloc_state_read(&state),
        error = resident_read(&parts);

    (void)module;
    (void)unused;
    if (error != 0)
        return py_error_memory(error);
    return Py_BuildValue("{s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:N,s:N,s:N,s:N,s:N,s:L,s:L}", "rss",
                         (long long)parts.rss, "files", (long long)parts.files, "shared",
                         (long long)parts.shared, "stacks", (long long)parts.stacks, "heap",
                         (long long)parts.heap, "heap_size", (long long)parts.heap_size, "swap",
                         (long long)parts.swap, "malloc_used", bytes_or_none(no_malloc, state.used),
                         "malloc_free", bytes_or_none(no_malloc, state.free), "malloc_mapped",
                         bytes_or_none(no_malloc, state.mapped), "arenas",
                         bytes_or_none(no_pymalloc, pymalloc.arenas), "arenas_used",
                         bytes_or_none(no_pymalloc, pymalloc.used), "frames",
                         (long long)frames_bytes(), "profiler", (long long)heap_view_bytes());
}

PyDoc_STRVAR(memory_limits_doc,
             "memory_limits() -> dict[str, int | None]\n\n"
             "Limits of this process, in bytes; None: there is none. cgroup: the least of the\n"
             "control groups around it; address_space: RLIMIT_AS.");

static PyObject *limit_or_none(int64_t limit)
{
    return limit > 0 ? PyLong_FromLongLong(limit) : Py_NewRef(Py_None);
}

static PyObject *memory_limits(PyObject *module, PyObject *unused)
{
    struct oom_kills kills;
    int64_t group = oom_kills_init(&kills, "", 0) == 0 ? oom_kills_limit(&kills) : 0;

    (void)module;
    (void)unused;
    return Py_BuildValue("{s:N,s:N}", "cgroup", limit_or_none(group), "address_space",
                         limit_or_none(process_address_limit(0)));
}

static PyMethodDef functions[] = {
    {"memory_limits", memory_limits, METH_NOARGS, memory_limits_doc},
    {"resident_parts", resident_parts, METH_NOARGS, resident_parts_doc},
    {NULL, NULL, 0, NULL},
};

int resident_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
