#include "memprof/ext/trace/profiled_callable.h"

#include <stdbool.h>
#include <structmember.h>

#include "memprof/ext/trace/settrace_events.h"
#include "memprof/ext/trace/settrace_hooks.h"

struct profiled_callable {
    PyObject_HEAD struct module_state *state;
    PyObject *target;
    PyObject *weak_references;
    vectorcallfunc vectorcall;
    vectorcallfunc call_target; /* its vectorcall; the result is checked by whoever calls ours */
    PyObject *function;         /* what runs inside of the target */
};

/* What a callable of ours in this thread is calling: addresses. */
static THREAD_VARIABLE struct {
    const void *function, *code;
} called;

static bool is_ours(const struct module_state *state, PyObject *object)
{
    return Py_TYPE(object) == state->callable_type || Py_TYPE(object) == state->proxy_type;
}

static PyObject *target_of(PyObject *self)
{
    return ((struct profiled_callable *)self)->target;
}

static PyObject *call_target(const struct profiled_callable *self, PyObject *const *args, size_t n,
                             PyObject *names)
{
    PyObject *result;

    called.function = self->function;
    called.code = PyFunction_Check(self->function) ? PyFunction_GET_CODE(self->function) : NULL;
    result = self->call_target(self->target, args, n, names);
    called.function = called.code = NULL;
    return result;
}

static PyObject *call(PyObject *object, PyObject *const *args, size_t n, PyObject *names)
{
    struct profiled_callable *self = (struct profiled_callable *)object;
    PyObject *result;
    int armed;

    if (settrace_is_armed_here(self->state)) /* all but the outermost call */
        return call_target(self, args, n, names);
    armed = settrace_arm(self->state);
    result = call_target(self, args, n, names);
    if (armed >= 0)
        settrace_disarm(self->state, armed);
    return result;
}

const void *profiled_callable_called(const PyObject *code)
{
    return called.code == code ? called.function : NULL;
}

PyObject *profiled_callable_innermost(const struct module_state *state, PyObject *object)
{
    while (is_ours(state, object))
        object = target_of(object);
    return object;
}

PyObject *profiled_callable_new(struct module_state *state, PyObject *target, PyObject *function)
{
    bool binds_itself = PyType_HasFeature(Py_TYPE(target), Py_TPFLAGS_METHOD_DESCRIPTOR);
    PyTypeObject *type = binds_itself ? state->callable_type : state->proxy_type;
    struct profiled_callable *self = (struct profiled_callable *)type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    self->state = module_state_keep(state);
    self->target = Py_NewRef(target);
    self->vectorcall = call;
    self->function = Py_NewRef(profiled_callable_innermost(state, function));
    self->call_target = PyVectorcall_Function(target);
    if (self->call_target == NULL)
        self->call_target = PyObject_Vectorcall;
    return (PyObject *)self;
}

/* Only these are our own; every other attribute, __class__ too, is the target's. */
static bool is_own_name(PyObject *name)
{
    static const char *const own[] = {"__call__",      "__get__",  "__reduce__",
                                      "__reduce_ex__", "__copy__", "__deepcopy__"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0)
            return 1;
    return 0;
}

static PyObject *get_attribute(PyObject *self, PyObject *name)
{
    if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0)
        return Py_NewRef(target_of(self));
    if (is_own_name(name))
        return PyObject_GenericGetAttr(self, name);
    return PyObject_GetAttr(target_of(self), name);
}

static int set_attribute(PyObject *self, PyObject *name, PyObject *value)
{
    return PyObject_SetAttr(target_of(self), name, value);
}

static PyObject *represent(PyObject *self)
{
    return PyObject_Repr(target_of(self));
}

static PyObject *bind(PyObject *self, PyObject *instance, PyObject *type)
{
    (void)type;
    if (instance == NULL || instance == Py_None)
        return Py_NewRef(self);
    return PyMethod_New(self, instance);
}

/* As the target binds, which need not be as a function does: wrappers tell what they call of the
 * instance, and a partial of functools is no method. */
static PyObject *bind_target(PyObject *object, PyObject *instance, PyObject *type)
{
    struct profiled_callable *self = (struct profiled_callable *)object;
    descrgetfunc get = Py_TYPE(self->target)->tp_descr_get;
    PyObject *bound = get == NULL ? Py_NewRef(self->target) : get(self->target, instance, type),
             *result;

    if (bound == NULL)
        return NULL;
    result = bound == self->target ? Py_NewRef(object)
                                   : profiled_callable_new(self->state, bound, self->function);
    Py_DECREF(bound);
    return result;
}

/* For who asks the type, and not our attributes: help() does. */
static PyObject *get_doc(PyObject *self, void *unused)
{
    (void)unused;
    return PyObject_GetAttrString(target_of(self), "__doc__");
}

/* Pickled by name, as functions are. */
static PyObject *reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyObject_GetAttrString(target_of(self), "__qualname__");
}

static PyObject *copy(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {"__reduce_ex__", reduce, METH_O, NULL},
    {"__copy__", copy, METH_NOARGS, NULL},
    {"__deepcopy__", copy, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

/* No tp_clear: a cycle through us goes through the target as well, and that lets go of it. Half
 * taken apart we could be called, by whatever the collector ends next. */
static int traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(target_of(self));
    Py_VISIT(((struct profiled_callable *)self)->function);
    return 0;
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    if (((struct profiled_callable *)self)->weak_references != NULL)
        PyObject_ClearWeakRefs(self);
    Py_DECREF(target_of(self));
    Py_DECREF(((struct profiled_callable *)self)->function);
    module_state_drop(((struct profiled_callable *)self)->state);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(struct profiled_callable, vectorcall), READONLY,
     NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct profiled_callable, weak_references),
     READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"__doc__", get_doc, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define FLAGS                                                                                      \
    (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |                        \
     Py_TPFLAGS_DISALLOW_INSTANTIATION)

static PyTypeObject *make_type(unsigned flags, descrgetfunc get)
{
    PyType_Slot slots[] = {
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_getattro, get_attribute},
        {Py_tp_setattro, set_attribute},
        {Py_tp_repr, represent},
        {Py_tp_descr_get, (void *)get},
        {Py_tp_traverse, traverse},
        {Py_tp_dealloc, dealloc},
        {Py_tp_methods, methods},
        {Py_tp_members, members},
        {Py_tp_getset, attributes},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "memory_profiler._memprof.profiled",
        .basicsize = sizeof(struct profiled_callable),
        .flags = flags,
        .slots = slots,
    };

    return (PyTypeObject *)PyType_FromSpec(&spec);
}

int profiled_callable_init(struct module_state *state)
{
    /* METHOD_DESCRIPTOR: obj.method() reaches us without a bound method in between. */
    state->callable_type = make_type(FLAGS | Py_TPFLAGS_METHOD_DESCRIPTOR, bind);
    state->proxy_type = make_type(FLAGS, bind_target);
    return state->callable_type == NULL || state->proxy_type == NULL ? -1 : 0;
}
