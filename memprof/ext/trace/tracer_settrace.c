/*
 * Events by PyEval_SetTrace (Python 3.10 and 3.11). A thread is armed only while an outermost
 * profiled call runs there, or a profiler is enabled.
 */
#include "memprof/ext/trace/tracer.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/eval_hook.h"
#include "memprof/ext/trace/frame_lines.h"
#include "memprof/ext/trace/frame_peek.h"
#include "memprof/ext/trace/profiled_callable.h"
#include "memprof/ext/trace/settrace_events.h"
#include "memprof/ext/trace/settrace_hooks.h"

/* Of this thread. */
static THREAD_VARIABLE struct {
    int count; /* tracer_enable() calls that armed it or found it armed by one */
    int depth; /* for settrace_disarm() after the last of them */
} enabled;

int tracer_init(struct module_state *state)
{
    state->settrace = calloc(1, sizeof *state->settrace);
    if (state->settrace == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (profiled_callable_init(state) != 0)
        return -1;
    state->settrace->start_name = PyUnicode_InternFromString("start");
    state->settrace->hooks = settrace_hooks_new(state);
    return state->settrace->start_name == NULL || state->settrace->hooks == NULL ? -1 : 0;
}

void tracer_release(struct module_state *state)
{
    if (state->settrace == NULL)
        return;
    settrace_hooks_free(state->settrace->hooks);
    Py_XDECREF(state->settrace->start_name);
    free(state->settrace);
    state->settrace = NULL;
}

int tracer_prepare(struct module_state *state)
{
    (void)state;
    return 0;
}

int tracer_watch(struct module_state *state, PyObject *code)
{
    (void)code;
    code_extra_forget_last(state);
    settrace_forget_frame();
    return 0;
}

void tracer_unwatch(struct module_state *state, PyObject *code)
{
    (void)code;
    code_extra_forget_last(state);
}

void tracer_forget(struct module_state *state, struct line_code *code)
{
    (void)state;
    (void)code;
    settrace_forget_frame();
}

void tracer_see_calls(struct module_state *state)
{
    eval_hook_install(state);
}

int tracer_enable(struct module_state *state)
{
    int depth = settrace_arm(state);

    eval_hook_install(state);
    if (depth >= 0)
        enabled.depth = depth;
    /* A thread that a running call has armed (depth -1) is that call's to disarm. */
    enabled.count += depth >= 0 || enabled.count > 0;
    return 0;
}

void tracer_disable(struct module_state *state)
{
    eval_hook_remove();
    frame_lines_restore();
    if (enabled.count > 0 && --enabled.count == 0)
        settrace_disarm(state, enabled.depth);
}

static bool is_resumable(PyObject *function)
{
    PyObject *code = PyObject_GetAttrString(function, "__code__");
    int flags = 0;

    if (code == NULL)
        PyErr_Clear();
    else if (PyCode_Check(code))
        flags = ((PyCodeObject *)code)->co_flags;
    Py_XDECREF(code);
    return (flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

PyObject *tracer_undecorated(const struct module_state *state, PyObject *function)
{
    return profiled_callable_innermost(state, function);
}

bool tracer_running_function(const struct line_code *code, const void *key, const void **function)
{
#if PY_VERSION_HEX >= 0x030B0000
    (void)code;
    *function = frame_peek_function((PyFrameObject *)(uintptr_t)key);
    return true;
#else
    *function = profiled_callable_called(frame_peek_code((PyFrameObject *)(uintptr_t)key));
    return !code->resumable; /* nothing stands in for those, and frames do not know */
#endif
}

int tracer_see_recording(struct module_state *state)
{
    (void)state;
    return 0;
}

bool tracer_find_frame(PyThreadState *thread, bool (*wanted)(void *context, const void *key),
                       void *context)
{
    return frame_peek_find(thread, wanted, context) != NULL;
}

static bool runs_code(void *code, const void *key)
{
    return frame_peek_code((PyFrameObject *)(uintptr_t)key) == code;
}

const void *tracer_running_code(PyThreadState *thread, const PyObject *code)
{
    return frame_peek_find(thread, runs_code, (void *)(uintptr_t)code);
}

void tracer_each_place(PyThreadState *thread,
                       bool (*take)(void *context, const void *key, PyCodeObject *code, int offset),
                       void *context)
{
    frame_peek_each_place(thread, take, context);
}

bool tracer_runs_beneath(const void *key, const PyObject *code)
{
    return frame_peek_runs_beneath((PyFrameObject *)(uintptr_t)key, code);
}

PyObject *tracer_decorate(struct module_state *state, PyObject *target, PyObject *function)
{
    /* The call only makes the generator: what stands in for the call would be gone when it runs. */
    if (is_resumable(function)) {
        eval_hook_install(state);
        return Py_NewRef(target);
    }
    return profiled_callable_new(state, target, function);
}
