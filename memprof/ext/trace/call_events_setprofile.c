#include "memprof/ext/trace/call_events.h"

#include <stdbool.h>

#include "memprof/ext/trace/call_counter.h"
#include "memprof/ext/trace/frame_peek.h"

/* A profile function that was there before ours, of this thread. */
static THREAD_VARIABLE struct {
    struct module_state *state;
    Py_tracefunc before;
    PyObject *before_object;
} profiled;

static bool is_resume(struct module_state *state, PyFrameObject *frame, PyObject *code)
{
    const struct line_code *extra;

    if (!(((PyCodeObject *)code)->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)))
        return 0;
    extra = line_code_make(state, code);
    /* Without memory for the extra a resume is counted as a start. */
    if (extra == NULL)
        PyErr_Clear();
    return extra != NULL && !frame_peek_is_start(extra, frame_peek_offset(frame));
}

static int profile(PyObject *object, PyFrameObject *frame, int what, PyObject *arg)
{
    struct module_state *state = profiled.state;
    PyObject *code;

    (void)object;
    if (what == PyTrace_CALL) {
        code = frame_peek_code(frame);
        if (is_resume(state, frame, code))
            call_counter_resume(state, code, frame);
        else
            call_counter_start(state, code, frame);
    } else if (what == PyTrace_RETURN) {
        call_counter_leave(state, frame);
    }
    return profiled.before == NULL ? 0 : profiled.before(profiled.before_object, frame, what, arg);
}

/* In this thread; a profile function that is there gets all events as well. */
static void set_profile(struct module_state *state)
{
    PyThreadState *thread = PyThreadState_Get();

    profiled.state = state;
    profiled.before = thread->c_profilefunc == profile ? NULL : thread->c_profilefunc;
    profiled.before_object = thread->c_profileobj;
    /* The object stays: sys.getprofile() answers with it. */
    PyEval_SetProfile(profile, thread->c_profileobj);
}

static void unset_profile(void)
{
    PyThreadState *thread = PyThreadState_Get();

    /* A profile function that the program has set meanwhile stays. */
    if (thread->c_profilefunc == profile)
        PyEval_SetProfile(profiled.before, thread->c_profileobj);
}

/* ---- threads ---- */

/*
 * A profile function of Python's kind, for new threads: puts ours in its place. The event that it
 * was called for is that of the thread's first function.
 */
static PyObject *thread_began(PyObject *capsule, PyObject *args)
{
    struct module_state *state = PyCapsule_GetPointer(capsule, NULL);
    PyObject *frame, *event, *arg;

    if (!PyArg_UnpackTuple(args, "profile", 3, 3, &frame, &event, &arg))
        return NULL;
    /* Taken out first: set_profile() would keep what calls us now as the function before. */
    PyEval_SetProfile(NULL, NULL);
    if (state->calls == NULL)
        Py_RETURN_NONE;
    set_profile(state);
    if (PyUnicode_CompareWithASCIIString(event, "call") == 0)
        profile(NULL, (PyFrameObject *)frame, PyTrace_CALL, arg);
    Py_RETURN_NONE;
}

static PyMethodDef thread_began_def = {"memory_profiler_thread_began", thread_began, METH_VARARGS,
                                       NULL};

/* Sets threading's hook for new threads: ours, or None. */
static int follow_threads(struct module_state *state, int follow)
{
    PyObject *threading = PyImport_ImportModule("threading"), *hook = NULL, *capsule,
             *result = NULL;

    if (threading == NULL)
        return -1;
    if (follow) {
        capsule = PyCapsule_New(state, NULL, NULL);
        hook = capsule == NULL ? NULL : PyCFunction_New(&thread_began_def, capsule);
        Py_XDECREF(capsule);
    } else {
        hook = Py_NewRef(Py_None);
    }
    if (hook != NULL)
        result = PyObject_CallMethod(threading, "setprofile", "O", hook);
    Py_DECREF(threading);
    Py_XDECREF(hook);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int call_events_update(struct module_state *state)
{
    int wanted = state->calls != NULL;

    if (wanted == state->calls_are_sent)
        return 0;
    if (follow_threads(state, wanted) != 0)
        return -1;
    state->calls_are_sent = wanted;
    if (wanted)
        set_profile(state);
    else
        unset_profile();
    return 0;
}
