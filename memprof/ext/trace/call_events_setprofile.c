#include "memprof/ext/trace/call_events.h"

#include <stdbool.h>

#include "memprof/heap/alloc_log.h"
#include "memprof/ext/trace/call_counter.h"
#include "memprof/ext/trace/frame_peek.h"
#include "memprof/ext/trace/thread_starts.h"

/* Of this thread. */
static THREAD_VARIABLE struct {
    struct module_state *state;
    Py_tracefunc before; /* a profile function that was there before ours */
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

static int profile(PyObject *object, PyFrameObject *frame, int what, PyObject *arg);

/* ---- threads ---- */

/* Where an audit hook forbids it the thread's calls are not counted. */
static void profile_thread(PyThreadState *thread)
{
    if (profiled.state->calls != NULL && _PyEval_SetProfile(thread, profile, NULL) != 0)
        PyErr_Clear();
}

/* The first event of a thread that began with our profile function. Borrowed: the interpreter's. */
static struct module_state *begin_thread(void)
{
    profiled.state = module_state_get(NULL); /* it was made before the thread */
    module_state_drop(profiled.state);
    return profiled.state;
}

/* ---- events ---- */

static void count(struct module_state *state, PyFrameObject *frame, int what)
{
    PyObject *code = frame_peek_code(frame);

    if (what == PyTrace_RETURN)
        call_counter_leave(state, frame);
    else if (is_resume(state, frame, code))
        call_counter_resume(state, code, frame);
    else
        call_counter_start(state, code, frame);
}

static int profile(PyObject *object, PyFrameObject *frame, int what, PyObject *arg)
{
    struct module_state *state = profiled.state != NULL ? profiled.state : begin_thread();

    (void)object;
    alloc_pause(); /* what we need for it is not the program's */
    if (what == PyTrace_CALL || what == PyTrace_RETURN)
        count(state, frame, what);
    else
        thread_starts_see(what, arg, profile_thread);
    alloc_resume();
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

int call_events_update(struct module_state *state)
{
    int wanted = state->calls != NULL;

    if (wanted == state->calls_are_sent)
        return 0;
    state->calls_are_sent = wanted;
    if (wanted)
        set_profile(state);
    else
        unset_profile();
    return 0;
}
