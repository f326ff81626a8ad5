#include "memprof/ext/eval_hook.h"

#include "memprof/ext/code_watch.h"
#include "memprof/ext/frame_peek.h"
#include "memprof/ext/global_events.h"
#include "memprof/ext/tracer_settrace.h"

#if PY_VERSION_HEX >= 0x030B0000
typedef struct _PyInterpreterFrame *frame_address;
#else
typedef PyFrameObject *frame_address;
#endif

/* The interpreter passes the hook no context, and a process has one hook for each interpreter. */
static struct {
    struct module_state *state;
    _PyFrameEvalFunction before;
    int needed; /* how often installed */
} hook;

static PyObject *evaluate(PyThreadState *thread, frame_address frame, int throw_flag)
{
    _PyFrameEvalFunction before = hook.before;
    struct module_state *state = hook.state;
    struct line_code *mark;
    PyObject *result;
    int armed = -1;

    if (state->on_module != NULL)
        global_events_begin(state, (PyObject *)frame->f_code, frame->f_globals);
    mark = code_watch_recall(state, (PyObject *)frame->f_code);
    if (mark != NULL && (mark->spans != NULL || line_code_is_counting(mark)))
        armed = tracer_arm_frame(state, thread);
    result = before(thread, frame, throw_flag);
    if (armed >= 0)
        tracer_disarm_frame(state, thread, armed);
    return result;
}

void eval_hook_install(struct module_state *state)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    if (hook.needed++ > 0)
        return;
    hook.state = state;
    hook.before = _PyInterpreterState_GetEvalFrameFunc(interpreter);
    _PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate);
}

void eval_hook_remove(void)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();

    if (--hook.needed > 0 || _PyInterpreterState_GetEvalFrameFunc(interpreter) != evaluate)
        return;
    _PyInterpreterState_SetEvalFrameFunc(interpreter, hook.before);
}
