#include "memprof/ext/memory_usage.h"

#include <string.h>

#include "memprof/family_reader.h"
#include "memprof/usage_sampler.h"

#define MIB 1048576.0
#define SECOND_NS 1e9

static const char capsule_name[] = "memory_profiler.usage_sampler";

/* OSError of the right kind (ProcessLookupError, PermissionError ...). */
static PyObject *raise_errno(int error)
{
    errno = -error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

static int parse_backend(const char *name, enum mem_backend *backend)
{
    if (strcmp(name, "rss") == 0)
        *backend = MEM_RSS;
    else if (strcmp(name, "pss") == 0)
        *backend = MEM_PSS;
    else if (strcmp(name, "uss") == 0)
        *backend = MEM_USS;
    else {
        PyErr_Format(PyExc_ValueError, "rss, pss or uss, not '%s'", name);
        return -1;
    }
    return 0;
}

static void free_capsule(PyObject *capsule)
{
    usage_sampler_free(PyCapsule_GetPointer(capsule, capsule_name));
}

static PyObject *usage_start(PyObject *module, PyObject *args)
{
    struct usage_options options = {0};
    struct usage_sampler *sampler;
    const char *backend;
    double interval, timeout;
    PyObject *capsule;
    int error;

    (void)module;
    if (!PyArg_ParseTuple(args, "sddpp:usage_start", &backend, &interval, &timeout,
                          &options.include_children, &options.peak_only) ||
        parse_backend(backend, &options.backend) != 0)
        return NULL;
    /* Longer than any program runs, and still far from the end of 64 bits. */
    options.interval_ns = (int64_t)((interval < 1e8 ? interval : 1e8) * SECOND_NS);
    options.timeout_ns = (int64_t)((timeout < 1e8 ? timeout : 1e8) * SECOND_NS);
    error = usage_sampler_start(&sampler, &options);
    if (error != 0)
        return raise_errno(error);
    capsule = PyCapsule_New(sampler, capsule_name, free_capsule);
    if (capsule == NULL)
        usage_sampler_free(sampler);
    return capsule;
}

static PyObject *usage_pause(PyObject *module, PyObject *capsule)
{
    struct usage_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (sampler == NULL)
        return NULL;
    usage_sampler_pause(sampler);
    Py_RETURN_NONE;
}

static PyObject *usage_resume(PyObject *module, PyObject *capsule)
{
    struct usage_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);
    int error;

    (void)module;
    if (sampler == NULL)
        return NULL;
    error = usage_sampler_resume(sampler);
    if (error != 0)
        return raise_errno(error);
    Py_RETURN_NONE;
}

static PyObject *usage_abandon(PyObject *module, PyObject *capsule)
{
    struct usage_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (sampler == NULL)
        return NULL;
    usage_sampler_abandon(sampler);
    Py_RETURN_NONE;
}

static PyObject *list_of_samples(const struct usage_sampler *sampler)
{
    size_t count;
    const struct usage_sample *samples = usage_sampler_samples(sampler, &count);
    PyObject *list = PyList_New((Py_ssize_t)count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *pair = Py_BuildValue("dd", (double)samples[i].bytes / MIB,
                                       (double)samples[i].wall_ns / SECOND_NS);

        if (pair == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, pair);
    }
    return list;
}

static PyObject *usage_stop(PyObject *module, PyObject *capsule)
{
    struct usage_sampler *sampler = PyCapsule_GetPointer(capsule, capsule_name);
    PyObject *list;

    (void)module;
    if (sampler == NULL)
        return NULL;
    /* Without a last reading those before it still hold. */
    (void)usage_sampler_stop(sampler);
    list = list_of_samples(sampler);
    if (list == NULL)
        return NULL;
    return Py_BuildValue("Nn", list, (Py_ssize_t)usage_sampler_taken(sampler));
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
        PyObject *pair =
            Py_BuildValue("Ld", (long long)family->members[i].pid, (double)family->bytes[i] / MIB);

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
    if (pid < 0 || pid > INT32_MAX)
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

static PyMethodDef methods[] = {
    {"usage_start", usage_start, METH_VARARGS,
     "usage_start(backend, interval, timeout, include_children, peak_only, /): a sampler thread"},
    {"usage_pause", usage_pause, METH_O, "Before a fork: joins the thread."},
    {"usage_resume", usage_resume, METH_O, "After a fork, in the parent."},
    {"usage_abandon", usage_abandon, METH_O, "After a fork, in the child."},
    {"usage_stop", usage_stop, METH_O, "([(MiB, epoch)...], readings taken)"},
    {"read_memory", read_memory, METH_VARARGS, "read_memory(pid, backend, /) -> MiB"},
    {"read_children", read_children, METH_VARARGS,
     "read_children(pid, backend, /) -> [(pid, MiB)...]"},
    {"read_peak", read_peak, METH_O, "The high-water mark of a process in MiB."},
    {NULL, NULL, 0, NULL},
};

int memory_usage_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
