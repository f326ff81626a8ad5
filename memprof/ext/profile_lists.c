#include "memprof/ext/profile_lists.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "memprof/profile/dat_reader.h"

const char read_profile_doc[] =
    "read_profile(path, /) -> (memory, moments, functions, children, command_line)\n\n"
    "MiB and epoch seconds of the samples, function -> [[start, end, memory, memory, level]],\n"
    "pid -> [(memory, moment)], and the command line or None.";

struct lists {
    PyObject *memory, *moments; /* lists of floats */
    PyObject *functions;        /* str -> list of lists */
    PyObject *children;         /* str -> list of tuples */
    PyObject *command_line;     /* NULL: none */
};

/* Appends `item`, whose reference it takes; NULL is an exception already set. */
static int append(PyObject *list, PyObject *item)
{
    int failed = item == NULL || PyList_Append(list, item) != 0;

    Py_XDECREF(item);
    return failed ? -ECANCELED : 0;
}

/* Appends to the list that the mapping has for the key, both references taken. */
static int append_to(PyObject *mapping, PyObject *key, PyObject *item)
{
    PyObject *list = key == NULL || item == NULL ? NULL : PyDict_GetItemWithError(mapping, key);
    int error = -ECANCELED;

    if (list != NULL) {
        error = PyList_Append(list, item) != 0 ? -ECANCELED : 0;
    } else if (!PyErr_Occurred()) {
        list = PyList_New(0);
        if (list != NULL && PyList_Append(list, item) == 0 &&
            PyDict_SetItem(mapping, key, list) == 0)
            error = 0;
        Py_XDECREF(list);
    }
    Py_XDECREF(key);
    Py_XDECREF(item);
    return error;
}

static int add_sample(struct lists *lists, const struct dat_record *fact)
{
    int error = append(lists->memory, PyFloat_FromDouble(fact->memory));

    return error != 0 ? error : append(lists->moments, PyFloat_FromDouble(fact->moment));
}

static PyObject *decode(const struct dat_record *fact)
{
    /* Programs choose these bytes: what is not UTF-8 must survive the way to Python and back. */
    return PyUnicode_DecodeUTF8(fact->text, (Py_ssize_t)fact->length, "surrogateescape");
}

/* A call has a level only where one was recorded. */
static int add_call(struct lists *lists, const struct dat_record *fact)
{
    PyObject *call =
        Py_BuildValue("[dddd]", fact->moment, fact->moment_end, fact->memory, fact->memory_end);

    if (call != NULL && fact->level >= 0 && append(call, PyLong_FromLong(fact->level)) != 0)
        Py_CLEAR(call);
    return append_to(lists->functions, call == NULL ? NULL : decode(fact), call);
}

static int add_child(struct lists *lists, const struct dat_record *fact)
{
    PyObject *pid = PyUnicode_FromFormat("%lld", (long long)fact->pid);

    return append_to(lists->children, pid,
                     pid == NULL ? NULL : Py_BuildValue("(dd)", fact->memory, fact->moment));
}

static int add_record(void *context, const struct dat_record *fact)
{
    struct lists *lists = context;

    switch (fact->kind) {
    case DAT_MEM:
        return add_sample(lists, fact);
    case DAT_CHLD:
        return add_child(lists, fact);
    case DAT_FUNC:
        return add_call(lists, fact);
    case DAT_CMDLINE:
        /* A file may hold several runs: the last one's command line is told. */
        Py_XDECREF(lists->command_line);
        lists->command_line = decode(fact);
        return lists->command_line == NULL ? -ECANCELED : 0;
    default:
        return 0;
    }
}

static int lists_init(struct lists *lists)
{
    lists->memory = PyList_New(0);
    lists->moments = PyList_New(0);
    lists->functions = PyDict_New();
    lists->children = PyDict_New();
    lists->command_line = NULL;
    return lists->memory != NULL && lists->moments != NULL && lists->functions != NULL &&
           lists->children != NULL;
}

static void lists_release(struct lists *lists)
{
    Py_XDECREF(lists->memory);
    Py_XDECREF(lists->moments);
    Py_XDECREF(lists->functions);
    Py_XDECREF(lists->children);
    Py_XDECREF(lists->command_line);
}

/* 0, or -errno; -ECANCELED with an exception set. */
static int read_path(PyObject *path, struct lists *lists)
{
    struct dat_counts counts;
    int fd = open(PyBytes_AS_STRING(path), O_RDONLY | O_CLOEXEC), error;

    if (fd < 0)
        return -errno;
    error = dat_scan(fd, add_record, lists, &counts);
    close(fd);
    return error;
}

PyObject *read_profile(PyObject *module, PyObject *path)
{
    PyObject *bytes, *result = NULL;
    struct lists lists;
    int error = 0;

    (void)module;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    if (lists_init(&lists)) {
        error = read_path(bytes, &lists);
        if (error == 0)
            result = PyTuple_Pack(5, lists.memory, lists.moments, lists.functions, lists.children,
                                  lists.command_line == NULL ? Py_None : lists.command_line);
        else if (!PyErr_Occurred()) {
            errno = -error;
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        }
    }
    lists_release(&lists);
    Py_DECREF(bytes);
    return result;
}
