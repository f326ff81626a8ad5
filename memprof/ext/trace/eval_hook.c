#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/eval_hook.h"

#include <stdbool.h>

#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/frame_peek.h"
#include "memprof/ext/trace/settrace_events.h"
#include "memprof/ext/trace/settrace_hooks.h"

#if PY_VERSION_HEX >= 0x030B0000
typedef struct _PyInterpreterFrame *frame_address;
#else
typedef PyFrameObject *frame_address;
#endif

/* The interpreter passes the hook no context, and a process has one hook for each interpreter. */
static struct {
    struct module_state *state;
    _PyFrameEvalFunction before;
    int needed;      /* how often installed */
    bool is_chained; /* another hook was put on top, and calls ours for ever */
} hook;

/*
 * Every resume of a generator comes here: it is armed by two stores, without hooks in modules.
 * Where something is thrown into it, that is on its way already, and what arming meets is not the
 * program's.
 */
static int arm_resumed(struct module_state *state, PyThreadState *thread, int throw_flag)
{
    struct py_error pending;
    int armed;

    if (__builtin_expect(!throw_flag, 1))
        return settrace_arm_frame(state, thread);
    py_error_fetch(&pending);
    armed = settrace_arm_frame(state, thread);
    py_error_restore(&pending);
    return armed;
}

/* A frame of code that has an extra: armed for as long as it runs, if anybody counts it. */
__attribute__((noinline)) static PyObject *evaluate_marked(PyThreadState *thread,
                                                           frame_address frame, int throw_flag)
{
    struct module_state *state = hook.state;
    const struct line_code *extra = line_code_recall(state, (PyObject *)frame->f_code);
    int is_wanted = extra != NULL && (extra->spans != NULL || line_code_is_counting(extra)), armed;
    PyObject *result;

    if (!is_wanted || settrace_is_armed_here(state))
        return hook.before(thread, frame, throw_flag);
    if (extra->resumable) {
        armed = arm_resumed(state, thread, throw_flag);
        result = hook.before(thread, frame, throw_flag);
        if (armed >= 0)
            settrace_disarm_frame(state, thread, armed);
        return result;
    }
    armed = settrace_arm(state);
    result = hook.before(thread, frame, throw_flag);
    if (armed >= 0)
        settrace_disarm(state, armed);
    return result;
}

/* Nearly every frame is of code that has no extra. */
static PyObject *evaluate(PyThreadState *thread, frame_address frame, int throw_flag)
{
    if (__builtin_expect(((PyCodeObject *)frame->f_code)->co_extra == NULL, 1))
        return hook.before(thread, frame, throw_flag);
    return evaluate_marked(thread, frame, throw_flag);
}

void eval_hook_install(struct module_state *state)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    /* A hook that is chained never left: whoever is on top of it still calls it. */
    if (hook.needed++ > 0 || hook.is_chained)
        return;
    hook.state = module_state_keep(state);
    hook.before = _PyInterpreterState_GetEvalFrameFunc(interpreter);
    _PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate);
}

void eval_hook_remove(void)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    if (--hook.needed > 0)
        return;
    hook.is_chained = _PyInterpreterState_GetEvalFrameFunc(interpreter) != evaluate;
    /* The hook stays for good, and so the state has to stay. */
    if (hook.is_chained)
        return;
    _PyInterpreterState_SetEvalFrameFunc(interpreter, hook.before);
    module_state_drop(hook.state);
}
