#include "memprof/ext/span_recorder_type.h"

#include <stdlib.h>
#include <structmember.h>
#include <unistd.h>

#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/trace/span_watch.h"
#include "memprof/ext/trace/tracer.h"

struct recorder_object {
    PyObject_HEAD struct module_state *state;
    struct span_watcher watcher;
    PyObject *names; /* dict of the names of calls: a span that is open may outlive its code */
    PyObject *weak_references;
};

/* ---- life ---- */

static PyObject *recorder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "backend", "include_children", NULL};
    struct module_state *state = module_state_of_type(type);
    const char *backend = "rss";
    PyObject *path = Py_None, *bytes = NULL;
    int include_children = 0, meter, error;
    struct recorder_object *self;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Osp:SpanRecorder", names, &path, &backend,
                                     &include_children))
        return NULL;
    if (path != Py_None && !PyUnicode_FSConverter(path, &bytes))
        return NULL;
    meter = memory_source_index(state, backend, include_children);
    self = meter < 0 ? NULL : (struct recorder_object *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->state = self->watcher.state = module_state_keep(state);
        /* Before what may fail: recorder_dealloc() counts down for a half-made object as well. */
        state->n_span_logs++;
        self->watcher.meter = meter;
        self->names = PyDict_New();
        error = span_log_new(&self->watcher.log, bytes ? PyBytes_AS_STRING(bytes) : NULL);
        if (error != 0) {
            errno = -error;
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        }
        if (error != 0 || self->names == NULL)
            Py_CLEAR(self);
    }
    Py_XDECREF(bytes);
    return (PyObject *)self;
}

static void unwatch_all(struct recorder_object *self)
{
    code_extra_forget_last(self->state);
    while (self->watcher.watches != NULL) {
        struct code_extra *extra = code_extra_of(self->watcher.watches->code);

        span_watch_remove(self->watcher.watches);
        if (!line_code_is_wanted(&extra->lines))
            tracer_unwatch(self->state, extra->code);
    }
}

static void recorder_dealloc(PyObject *object)
{
    struct recorder_object *self = (struct recorder_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    if (self->weak_references != NULL)
        PyObject_ClearWeakRefs(object);
    /* First: no event may find a recorder that is half gone. */
    unwatch_all(self);
    self->state->n_span_logs--;
    if (self->watcher.log != NULL)
        span_log_free(self->watcher.log);
    free(self->watcher.stacks);
    Py_CLEAR(self->names);
    module_state_drop(self->state);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- methods ---- */

PyDoc_STRVAR(watch_doc, "watch(code, name, /)\n\nRecord every call of a code object as `name`.");

/* The name as UTF-8, for as long as the recorder lives; NULL with an exception. */
static const char *keep_name(struct recorder_object *self, PyObject *name)
{
    PyObject *kept = PyDict_SetDefault(self->names, name, name);

    return kept == NULL ? NULL : PyUnicode_AsUTF8(kept);
}

static PyObject *recorder_watch(PyObject *object, PyObject *args)
{
    struct recorder_object *self = (struct recorder_object *)object;
    PyObject *code, *name_object;
    struct span_watch *watch;
    struct line_code *extra;
    const char *name;

    if (!PyArg_ParseTuple(args, "O!U:watch", &PyCode_Type, &code, &name_object))
        return NULL;
    if (tracer_prepare(self->state) != 0)
        return NULL;
    name = keep_name(self, name_object);
    extra = name == NULL ? NULL : line_code_make(self->state, code);
    if (extra == NULL)
        return NULL;
    watch = span_watch_add(&self->watcher, extra);
    if (watch == NULL)
        return NULL;
    watch->name = name;
    if (tracer_watch(self->state, code) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *recorder_decorate(PyObject *object, PyObject *args)
{
    PyObject *target, *function;

    if (!PyArg_UnpackTuple(args, "decorate", 2, 2, &target, &function))
        return NULL;
    return tracer_decorate(((struct recorder_object *)object)->state, target, function);
}

static struct line_stack *this_stack(struct recorder_object *self)
{
    struct line_stack *stack = module_state_stack(self->state, PyThreadState_Get());

    if (stack == NULL || span_watcher_stack(&self->watcher, stack) == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return stack;
}

PyDoc_STRVAR(begin_doc,
             "begin(key, name, /)\n\n"
             "A block begins. `key` is any object that lives until end(key), and `name`\n"
             "a str that does.");

static PyObject *recorder_begin(PyObject *object, PyObject *args)
{
    struct recorder_object *self = (struct recorder_object *)object;
    struct line_stack *stack = this_stack(self);
    PyObject *key;
    const char *name;

    if (stack == NULL || !PyArg_ParseTuple(args, "Os:begin", &key, &name))
        return NULL;
    span_begin(self->watcher.log, span_watcher_stack(&self->watcher, stack), key, name,
               span_watcher_memory(&self->watcher, stack));
    Py_RETURN_NONE;
}

static PyObject *recorder_end(PyObject *object, PyObject *key)
{
    struct recorder_object *self = (struct recorder_object *)object;
    struct line_stack *stack = this_stack(self);

    if (stack == NULL)
        return NULL;
    span_end(self->watcher.log, span_watcher_stack(&self->watcher, stack), key,
             span_watcher_memory(&self->watcher, stack));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(read_doc, "read() -> bytes\n\nThe lines recorded in a file without a name.");

static PyObject *recorder_read(PyObject *object, PyObject *unused)
{
    int fd = span_log_fd(((struct recorder_object *)object)->watcher.log);
    off_t size = lseek(fd, 0, SEEK_END);
    PyObject *bytes = size < 0 ? NULL : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);

    (void)unused;
    if (size < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    if (bytes != NULL && pread(fd, PyBytes_AS_STRING(bytes), (size_t)size, 0) != size) {
        Py_CLEAR(bytes);
        PyErr_SetFromErrno(PyExc_OSError);
    }
    return bytes;
}

static PyObject *recorder_before_fork(PyObject *object, PyObject *unused)
{
    (void)unused;
    span_log_before_fork(((struct recorder_object *)object)->watcher.log);
    Py_RETURN_NONE;
}

static PyObject *recorder_after_fork(PyObject *object, PyObject *in_child)
{
    span_log_after_fork(((struct recorder_object *)object)->watcher.log,
                        PyObject_IsTrue(in_child) == 1);
    Py_RETURN_NONE;
}

static PyMethodDef recorder_methods[] = {
    {"watch", recorder_watch, METH_VARARGS, watch_doc},
    {"decorate", recorder_decorate, METH_VARARGS, "As Profiler.decorate()."},
    {"begin", recorder_begin, METH_VARARGS, begin_doc},
    {"end", recorder_end, METH_O, "end(key, /)\n\nThe block ends, and is written."},
    {"read", recorder_read, METH_NOARGS, read_doc},
    {"before_fork", recorder_before_fork, METH_NOARGS, "Ends the thread, so that fork is safe."},
    {"after_fork", recorder_after_fork, METH_O, "after_fork(in_child, /)"},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef recorder_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct recorder_object, weak_references), READONLY,
     NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(recorder_doc, "SpanRecorder(path=None, backend='rss', include_children=False)\n\n"
                           "Appends FUNC and BEGIN lines to a profile file; without a path to a\n"
                           "file that read() returns. OSError when the file cannot be opened.");

static PyType_Slot recorder_slots[] = {
    {Py_tp_doc, (void *)recorder_doc}, {Py_tp_new, recorder_new},
    {Py_tp_dealloc, recorder_dealloc}, {Py_tp_methods, recorder_methods},
    {Py_tp_members, recorder_members}, {0, NULL},
};

PyType_Spec span_recorder_type_spec = {
    .name = "memory_profiler._memprof.SpanRecorder",
    .basicsize = sizeof(struct recorder_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = recorder_slots,
};
