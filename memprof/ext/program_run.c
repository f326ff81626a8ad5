#include "memprof/ext/program_run.h"

#include "memprof/ext/base/module_state.h"
#include "memprof/ext/base/recursion.h"

/*
 * A few arenas of the interpreter, of 1 MiB each. One is for what stands between the program's last
 * line and its end: tracebacks, threads that are waited for, its atexit functions. The other is for
 * tables and files. Without memory an interpreter does not even end: from 3.11 on, a frame with a
 * handler that cannot have an int of its place tries to for ever.
 */
#define RESERVE_BYTES ((size_t)4 << 20)

PyDoc_STRVAR(run_program_doc,
             "run_program(code, names, /)\n\n"
             "Run code as exec() does, with all of the recursion limit: the frames that stand\n"
             "below do not count. Memory is kept back for when it has ended.");

static PyObject *run_program(PyObject *module, PyObject *args)
{
    struct module_state *state = module_state_of(module);
    PyThreadState *thread = PyThreadState_Get();
    PyObject *code, *names, *result;
    int depth;

    if (!PyArg_ParseTuple(args, "O!O!:run_program", &PyCode_Type, &code, &PyDict_Type, &names) ||
        PySys_Audit("exec", "O", code) < 0)
        return NULL;
    for (int i = 0; i < N_RESERVES; i++)
        reserve_take(&state->reserves[i], RESERVE_BYTES);
    depth = recursion_set_depth(thread, 0);
    result = PyEval_EvalCode(code, names, names);
    recursion_set_depth(thread, depth);
    /* Before any frame of ours goes on. */
    reserve_give_back(&state->reserves[0]);
    /* Without memory the interpreter can lose the exception (3.12, 3.13: while a frame is left). */
    if (result == NULL && !PyErr_Occurred())
        PyErr_NoMemory();
    return result;
}

PyDoc_STRVAR(program_is_over_doc, "program_is_over()\n\n"
                                  "All of the program has ended: what was kept back is free.");

static PyObject *program_is_over(PyObject *module, PyObject *unused)
{
    struct module_state *state = module_state_of(module);

    (void)unused;
    for (int i = 0; i < N_RESERVES; i++)
        reserve_give_back(&state->reserves[i]);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"run_program", run_program, METH_VARARGS, run_program_doc},
    {"program_is_over", program_is_over, METH_NOARGS, program_is_over_doc},
    {NULL, NULL, 0, NULL},
};

int program_run_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
