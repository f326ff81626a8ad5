#include "memprof/ext/memory_usage.h"

#include <stdlib.h>
#include <string.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/machine/family_reader.h"
#include "memprof/sampling/self_sampler.h"

#define MIB 1048576.0
#define SECOND_NS 1e9

static const char capsule_name[] = "memory_profiler.self_sampler";

/* OSError of the right kind (ProcessLookupError, PermissionError ...). */
static PyObject *raise_errno(int error)
{
    if (error == -ENOENT) /* no process: there is nothing to read any in */
        return py_error_memory(error);
    errno = -error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static int parse_backend(const char *name, enum mem_backend *backend)
{
    int found = mem_backend_find(name);

    if (found < 0 || found == MEM_TRACEMALLOC) {
        PyErr_Format(PyExc_ValueError, "rss, pss or uss, not '%s'", name);
        return -1;
    }
    *backend = (enum mem_backend)found;
    return 0;
}

static void free_capsule(PyObject *capsule)
{
    self_sampler_free(PyCapsule_GetPointer(capsule, capsule_name));
}

/* Longer than any program runs, and still far from the end of 64 bits. Not a number is 0. */
static int64_t nanoseconds(double seconds)
{
    if (!(seconds > 0))
        return 0;
    return (int64_t)((seconds < 1e8 ? seconds : 1e8) * SECOND_NS);
}

static PyObject *usage_start(PyObject *module, PyObject *args)
{
    struct usage_options options = {0};
    struct self_sampler *sampler;
    const char *backend;
    double interval, timeout;
    PyObject *capsule;
    int error;

    (void)module;
    if (!PyArg_ParseTuple(args, "sddppp:usage_start", &backend, &interval, &timeout,
                          &options.include_children, &options.each_child, &options.peak_only) ||
        parse_backend(backend, &options.backend) != 0)
        return NULL;
    options.each_child = options.each_child && !options.peak_only;
    options.interval_ns = nanoseconds(interval);
    options.timeout_ns = nanoseconds(timeout);
    error = self_sampler_start(&sampler, &options);
    if (error != 0)
        return raise_errno(error);
    capsule = PyCapsule_New(sampler, capsule_name, free_capsule);
    if (capsule == NULL)
        self_sampler_free(sampler);
    return capsule;
}

static PyObject *usage_pause(PyObject *module, PyObject *capsule)
{
    struct self_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (sampler == NULL)
        return NULL;
    self_sampler_pause(sampler);
    Py_RETURN_NONE;
}

static PyObject *usage_resume(PyObject *module, PyObject *capsule)
{
    struct self_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);
    int error;

    (void)module;
    if (sampler == NULL)
        return NULL;
    error = self_sampler_resume(sampler);
    if (error != 0)
        return raise_errno(error);
    Py_RETURN_NONE;
}

static PyObject *usage_abandon(PyObject *module, PyObject *capsule)
{
    struct self_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (sampler == NULL)
        return NULL;
    self_sampler_abandon(sampler);
    Py_RETURN_NONE;
}

/* ((pid, MiB), ...) of the children that follow a reading; how many is in *count. */
static PyObject *tuple_of_children(const struct self_sample *samples, size_t left, size_t *count)
{
    PyObject *children;

    for (*count = 0; *count < left && samples[*count].child != 0;)
        ++*count;
    children = PyTuple_New((Py_ssize_t)*count);
    for (size_t i = 0; children != NULL && i < *count; i++) {
        PyObject *pair =
            Py_BuildValue("Ld", (long long)samples[i].child, (double)samples[i].bytes / MIB);

        if (pair == NULL)
            Py_CLEAR(children);
        else
            PyTuple_SET_ITEM(children, (Py_ssize_t)i, pair);
    }
    return children;
}

/* Appends the reading that begins here; how many samples it took, or -1 with an exception. */
static Py_ssize_t append_reading(PyObject *list, const struct self_sample *samples, size_t left)
{
    size_t n_children;
    PyObject *children = tuple_of_children(samples + 1, left - 1, &n_children), *reading;
    int failed;

    if (children == NULL)
        return -1;
    reading = Py_BuildValue("ddN", (double)samples->bytes / MIB,
                            (double)samples->wall_ns / SECOND_NS, children);
    if (reading == NULL)
        return -1;
    failed = PyList_Append(list, reading);
    Py_DECREF(reading);
    return failed ? -1 : (Py_ssize_t)(1 + n_children);
}

static PyObject *usage_take(PyObject *module, PyObject *capsule)
{
    struct self_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);
    struct self_sample *samples;
    PyObject *list;
    size_t count;

    (void)module;
    if (sampler == NULL)
        return NULL;
    samples = self_sampler_take(sampler, &count);
    /*
     * Without memory for a copy the samples stay with the sampler: the next call hands them over.
     */
    if (samples == NULL && count > 0)
        return PyErr_NoMemory();
    list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count;) {
        Py_ssize_t used = append_reading(list, samples + i, count - i);

        if (used < 0)
            Py_CLEAR(list);
        else
            i += (size_t)used;
    }
    free(samples);
    return list;
}

static PyObject *usage_stop(PyObject *module, PyObject *capsule)
{
    struct self_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (sampler == NULL)
        return NULL;
    /* Without a last reading those before it still hold. */
    (void)self_sampler_stop(sampler);
    return PyLong_FromSize_t(self_sampler_taken(sampler));
}

static PyObject *read_memory(PyObject *module, PyObject *args)
{
    struct mem_reader reader;
    enum mem_backend backend;
    const char *name;
    long long pid;
    int64_t bytes = 0;
    int error;

    (void)module;
    if (!PyArg_ParseTuple(args, "Ls:read_memory", &pid, &name) ||
        parse_backend(name, &backend) != 0)
        return NULL;
    /* No process has such a number; cut to a pid_t it could mean another process. */
    if (pid < 0 || pid > INT32_MAX)
        return raise_errno(-ESRCH);
    error = mem_reader_init(&reader, (pid_t)pid, backend);
    if (error == 0) {
        error = mem_reader_read(&reader, &bytes);
        mem_reader_release(&reader);
    }
    return error != 0 ? raise_errno(error) : PyFloat_FromDouble((double)bytes / MIB);
}

static PyObject *list_of_family(const struct family_reader *family)
{
    PyObject *list = PyList_New((Py_ssize_t)family->count);

    for (size_t i = 0; list != NULL && i < family->count; i++) {
        const struct family_member *member = &family->members[i];
        PyObject *pair =
            Py_BuildValue("Ld", (long long)member->id.pid, (double)member->bytes / MIB);

        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *read_children(PyObject *module, PyObject *args)
{
    struct family_reader family;
    enum mem_backend backend;
    PyObject *list = NULL;
    const char *name;
    long long pid;
    int64_t sum;
    int error;

    (void)module;
    if (!PyArg_ParseTuple(args, "Ls:read_children", &pid, &name) ||
        parse_backend(name, &backend) != 0)
        return NULL;
    if (pid <= 0 || pid > INT32_MAX)
        return raise_errno(-ESRCH);
    error = family_reader_init(&family, (pid_t)pid, backend);
    if (error == 0)
        error = family_reader_read(&family, &sum);
    /* A member that is refused is left out, the others are told. */
    list = error == 0 || error == -EACCES ? list_of_family(&family) : raise_errno(error);
    family_reader_release(&family);
    return list;
}

static PyObject *read_peak(PyObject *module, PyObject *arg)
{
    long pid = PyLong_AsLong(arg);
    int64_t bytes;
    int error;

    (void)module;
    if (pid == -1 && PyErr_Occurred())
        return NULL;
    error = mem_peak_read((pid_t)pid, &bytes);
    return error != 0 ? raise_errno(error) : PyFloat_FromDouble((double)bytes / MIB);
}

static PyObject *thread_count(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    return PyLong_FromLong(mem_thread_count());
}

static PyMethodDef methods[] = {
    {"usage_start", usage_start, METH_VARARGS,
     "usage_start(backend, interval, timeout, include_children, each_child, peak_only, /)\n\n"
     "A sampler thread; seconds. timeout 0: none."},
    {"usage_pause", usage_pause, METH_O, "Before a fork: joins the thread."},
    {"usage_resume", usage_resume, METH_O, "After a fork, in the parent."},
    {"usage_abandon", usage_abandon, METH_O, "After a fork, in the child."},
    {"usage_take", usage_take, METH_O,
     "What was read since the last call: [(MiB, epoch, ((pid, MiB) of a child, ...)), ...]"},
    {"usage_stop", usage_stop, METH_O, "Takes the last reading; how many there were."},
    {"read_memory", read_memory, METH_VARARGS, "read_memory(pid, backend, /) -> MiB"},
    {"read_children", read_children, METH_VARARGS,
     "read_children(pid, backend, /) -> [(pid, MiB)...]"},
    {"read_peak", read_peak, METH_O, "The high-water mark of a process in MiB."},
    {"thread_count", thread_count, METH_NOARGS, "Threads that the kernel counts, or -errno."},
    {NULL, NULL, 0, NULL},
};

/* ((name, its backend's own name), ...) */
static PyObject *tuple_of_backends(void)
{
    PyObject *backends;
    Py_ssize_t count = 0;

    while (mem_backend_known((size_t)count) != NULL)
        count++;
    backends = PyTuple_New(count);
    for (Py_ssize_t i = 0; backends != NULL && i < count; i++) {
        const char *name = mem_backend_known((size_t)i);
        enum mem_backend backend = (enum mem_backend)mem_backend_find(name);
        PyObject *pair = Py_BuildValue("ss", name, mem_backend_name(backend));

        if (pair == NULL)
            Py_CLEAR(backends);
        else
            PyTuple_SET_ITEM(backends, i, pair);
    }
    return backends;
}

int memory_usage_add(PyObject *module)
{
    PyObject *backends = tuple_of_backends();
    int error = backends == NULL ? -1 : PyModule_AddObjectRef(module, "backends", backends);

    Py_XDECREF(backends);
    return error != 0 ? error : PyModule_AddFunctions(module, methods);
}
