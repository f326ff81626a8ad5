#include "memprof/ext/untraced_hooks.h"

#include "memprof/ext/base/untraced_call.h"

/* Both types hold up to three objects, which the collector may see. */
struct hook_object {
    PyObject_HEAD PyObject *first, *second, *third;
};

static PyObject *make(PyTypeObject *type, PyObject *first, PyObject *second, PyObject *third)
{
    struct hook_object *self = (struct hook_object *)type->tp_alloc(type, 0);

    if (self == NULL)
        return NULL;
    self->first = Py_NewRef(first);
    self->second = Py_NewRef(second);
    self->third = Py_NewRef(third);
    return (PyObject *)self;
}

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    struct hook_object *self = (struct hook_object *)object;

    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->first);
    Py_VISIT(self->second);
    Py_VISIT(self->third);
    return 0;
}

static void dealloc(PyObject *object)
{
    struct hook_object *self = (struct hook_object *)object;
    PyTypeObject *type = Py_TYPE(object);

    PyObject_GC_UnTrack(object);
    Py_XDECREF(self->first);
    Py_XDECREF(self->second);
    Py_XDECREF(self->third);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- ImportWaiter ---- */

static PyObject *waiter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *name, *found;

    (void)kwargs;
    if (!PyArg_ParseTuple(args, "UO:ImportWaiter", &name, &found))
        return NULL;
    return make(type, name, found, Py_None);
}

PyDoc_STRVAR(find_spec_doc, "find_spec(name, path=None, target=None)");

static PyObject *find_spec(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"name", "path", "target", NULL};
    struct hook_object *self = (struct hook_object *)object;
    PyObject *name, *path, *target;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:find_spec", names, &name, &path, &target))
        return NULL;
    /* Finders in sys.meta_path are called by the program, too, with whatever it likes. */
    if (!PyUnicode_Check(name) || PyUnicode_Compare(name, self->first) != 0)
        Py_RETURN_NONE;
    return untraced_call(self->second, object, NULL);
}

static PyMethodDef waiter_methods[] = {
    {"find_spec", (PyCFunction)(void (*)(void))find_spec, METH_VARARGS | METH_KEYWORDS,
     find_spec_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(waiter_doc,
             "ImportWaiter(name, found, /)\n\n"
             "Returns found(waiter) as the spec of that module, and None of any other.");

static PyType_Slot waiter_slots[] = {
    {Py_tp_doc, (void *)waiter_doc}, {Py_tp_new, waiter_new},         {Py_tp_traverse, traverse},
    {Py_tp_dealloc, dealloc},        {Py_tp_methods, waiter_methods}, {0, NULL},
};

PyType_Spec import_waiter_type_spec = {
    .name = "memory_profiler._memprof.ImportWaiter",
    .basicsize = sizeof(struct hook_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = waiter_slots,
};

/* ---- Wrapped ---- */

static PyObject *wrapped_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"function", "before", "after", NULL};
    PyObject *function, *before = Py_None, *after = Py_None;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:Wrapped", names, &function, &before,
                                     &after))
        return NULL;
    return make(type, function, before, after);
}

static PyObject *call(PyObject *object, PyObject *args, PyObject *kwargs)
{
    struct hook_object *self = (struct hook_object *)object;
    PyObject *changed, *result, *ignored;

    changed = self->second == Py_None ? Py_NewRef(args) : untraced_call(self->second, args, NULL);
    if (changed == NULL)
        return NULL;
    result = PyObject_Call(self->first, changed, kwargs);
    /* A function that failed has no after: its exception goes on as it is. */
    if (result != NULL && self->third != Py_None) {
        ignored = untraced_call(self->third, changed, NULL);
        if (ignored == NULL)
            Py_CLEAR(result);
        Py_XDECREF(ignored);
    }
    Py_DECREF(changed);
    return result;
}

/* It looks like what it stands in for: programs ask functions for their names and kinds. */
static PyObject *wrapped_attribute(PyObject *object, PyObject *name)
{
    return PyObject_GetAttr(((struct hook_object *)object)->first, name);
}

static PyObject *wrapped_repr(PyObject *object)
{
    return PyObject_Repr(((struct hook_object *)object)->first);
}

PyDoc_STRVAR(wrapped_doc, "Wrapped(function, before=None, after=None)\n\n"
                          "Calls function(*before(args)), then after(args).");

static PyType_Slot wrapped_slots[] = {
    {Py_tp_doc, (void *)wrapped_doc},
    {Py_tp_new, wrapped_new},
    {Py_tp_traverse, traverse},
    {Py_tp_dealloc, dealloc},
    {Py_tp_call, call},
    {Py_tp_getattro, wrapped_attribute},
    {Py_tp_repr, wrapped_repr},
    {0, NULL},
};

PyType_Spec wrapped_type_spec = {
    .name = "memory_profiler._memprof.Wrapped",
    .basicsize = sizeof(struct hook_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = wrapped_slots,
};

PyDoc_STRVAR(quietly_doc, "quietly(function, argument, /)\n\n"
                          "function(argument), of which the program's tracers see nothing.");

static PyObject *quietly(PyObject *module, PyObject *args)
{
    PyObject *function, *argument;

    (void)module;
    if (!PyArg_ParseTuple(args, "OO:quietly", &function, &argument))
        return NULL;
    return untraced_call(function, argument, NULL);
}

static PyMethodDef methods[] = {
    {"quietly", quietly, METH_VARARGS, quietly_doc},
    {NULL, NULL, 0, NULL},
};

int untraced_hooks_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
