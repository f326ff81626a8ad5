#include "memprof/ext/trace/exec_hook.h"

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/untraced_call.h"

/*
 * The C function behind the builtin is replaced, where the interpreter itself looks it up at every
 * call: the object stays what it is to the program, and so does sys.meta_path. An audit hook would
 * see the same, but could never be removed, and makes id() and others slower.
 */
static struct {
    PyInterpreterState *interpreter;
    struct module_state *state;
    PyMethodDef *definition; /* NULL: not installed */
    PyCFunction real;
} hook;

static void module_begins(struct module_state *state, PyObject *code, PyObject *globals)
{
    struct py_error pending;
    PyObject *name, *result;

    py_error_fetch(&pending);
    name = PyDict_GetItemString(globals, "__name__");
    result = untraced_call(state->on_module, code, name == NULL ? Py_None : name);
    if (result == NULL)
        py_error_report("functions of a module could not be chosen");
    Py_XDECREF(result);
    py_error_restore(&pending);
}

/* exec(source, globals): other ways to give globals are no module's. */
static void look_at(PyObject *const *args, Py_ssize_t n)
{
    struct module_state *state = hook.state;

    if (n < 2 || !PyCode_Check(args[0]) || !PyDict_Check(args[1]) || state->on_module == NULL ||
        PyInterpreterState_Get() != hook.interpreter)
        return;
    if (PyUnicode_CompareWithASCIIString(((PyCodeObject *)args[0])->co_name, "<module>") == 0)
        module_begins(state, args[0], args[1]);
}

#if PY_VERSION_HEX >= 0x030B0000
#define EXEC_FLAGS (METH_FASTCALL | METH_KEYWORDS)
typedef PyObject *(*exec_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

static PyObject *exec_seen(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    exec_function real = (exec_function)(void (*)(void))hook.real;

    look_at(args, n);
    return real(module, args, n, names);
}
#else
#define EXEC_FLAGS METH_FASTCALL
typedef PyObject *(*exec_function)(PyObject *, PyObject *const *, Py_ssize_t);

static PyObject *exec_seen(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    exec_function real = (exec_function)(void (*)(void))hook.real;

    look_at(args, n);
    return real(module, args, n);
}
#endif

static int install(struct module_state *state)
{
    PyObject *builtins = PyEval_GetBuiltins(), *exec = PyDict_GetItemString(builtins, "exec");

    /* The flags say how the interpreter passes arguments: ours reads those of EXEC_FLAGS alone. */
    if (exec == NULL || !PyCFunction_CheckExact(exec) ||
        ((PyCFunctionObject *)exec)->m_ml->ml_flags != EXEC_FLAGS) {
        PyErr_SetString(PyExc_RuntimeError, "memory_profiler: exec() is not the interpreter's own");
        return -1;
    }
    hook.interpreter = PyInterpreterState_Get();
    hook.state = module_state_keep(state);
    hook.definition = ((PyCFunctionObject *)exec)->m_ml;
    hook.real = hook.definition->ml_meth;
    hook.definition->ml_meth = (PyCFunction)(void (*)(void))exec_seen;
    return 0;
}

static void remove_hook(void)
{
    hook.definition->ml_meth = hook.real;
    hook.definition = NULL;
    module_state_drop(hook.state);
}

PyDoc_STRVAR(on_modules_doc, "on_modules(callback, /)\n\n"
                             "Call callback(code, name) whenever the code of a module begins to\n"
                             "run; None: no more.");

static PyObject *on_modules(PyObject *module, PyObject *callback)
{
    struct module_state *state = module_state_of(module);

    Py_XSETREF(state->on_module, callback == Py_None ? NULL : Py_NewRef(callback));
    if (state->on_module != NULL && hook.definition == NULL && install(state) != 0) {
        Py_CLEAR(state->on_module);
        return NULL;
    }
    if (state->on_module == NULL && hook.definition != NULL)
        remove_hook();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"on_modules", on_modules, METH_O, on_modules_doc},
    {NULL, NULL, 0, NULL},
};

int exec_hook_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
