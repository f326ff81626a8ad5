#include "memprof/ext/base/untraced_call.h"

#include "memprof/ext/base/recursion.h"
#include "memprof/heap/alloc_log.h"

/* The interpreter has functions for it from Python 3.11 on. */
static void enter(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState_EnterTracing(thread);
#else
    thread->tracing++;
    thread->cframe->use_tracing = 0;
#endif
}

static void leave(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState_LeaveTracing(thread);
#else
    thread->tracing--;
    thread->cframe->use_tracing =
        thread->tracing == 0 && (thread->c_tracefunc != NULL || thread->c_profilefunc != NULL);
#endif
}

PyObject *untraced_call(PyObject *callable, PyObject *first, PyObject *second)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *result;
    int depth;

    enter(thread);
    depth = recursion_give_room(thread);
    alloc_pause(); /* what ours allocates is not the program's */
    result = PyObject_CallFunctionObjArgs(callable, first, second, NULL);
    alloc_resume();
    recursion_set_depth(thread, depth);
    leave(thread);
    return result;
}
