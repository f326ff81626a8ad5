/*
 * Events by PyEval_SetTrace (Python 3.10 and 3.11). The tracer is armed in a thread only while an
 * outermost profiled call runs there; a tracer that was there before gets all events as well.
 */
#include "memprof/ext/tracer.h"

#include <stdlib.h>

#include "memprof/ext/code_watch.h"
#include "memprof/ext/eval_hook.h"
#include "memprof/ext/frame_lines.h"
#include "memprof/ext/frame_peek.h"
#include "memprof/ext/profiled_callable.h"
#include "memprof/ext/span_recorder_type.h"

struct tracer {
    int n_armed;               /* threads in which a profiled call runs */
    int follows_threads;       /* threading's hook is ours */
    PyObject *threading_names; /* of the module, once the program has imported it */
    PyObject *sys_names;
    PyObject *threading_name, *hook_name, *settrace_name; /* strings */
    PyObject *thread_began;                               /* that hook */
    PyObject *hook_before;                                /* what threading had there, or NULL */
    PyObject *settrace_inside, *real_settrace;
};

/* What this thread's trace function needs; the interpreter's `obj` belongs to the tracer before. */
static THREAD_VARIABLE struct {
    struct module_state *state;
    struct line_stack *stack;
    Py_tracefunc before;
    PyFrameObject *unwatched; /* the latest frame found to be none of ours */
    int enabled; /* LineProfiler.enable() calls that armed this thread or found it armed */
    int enabled_depth;
    int followed; /* armed because the thread was started inside a profiled call */
} armed;

static int trace(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg);

/* ---- events ---- */

/* The mark of a frame's code, NULL where nobody watches it; remembers such a frame. */
static struct line_code *mark_of(PyFrameObject *frame)
{
    struct line_code *mark = code_watch_recall(armed.state, frame_peek_code(frame));

    if (code_watch_is_wanted(mark))
        return mark;
    armed.unwatched = frame;
    return NULL;
}

static int opcode_at(const struct line_code *mark, int offset)
{
    int at = offset / CODE_UNIT;

    return offset < 0 || at >= mark->n_lines ? -1 : mark->opcodes[at];
}

static void on_call(PyFrameObject *frame)
{
    const struct line_code *mark;
    int offset;

    armed.unwatched = NULL;
    mark = mark_of(frame);
    if (mark == NULL) {
        if (armed.before == NULL)
            frame_peek_set_lines(frame, 0);
        return;
    }
    offset = frame_peek_offset(frame);
    if (frame_peek_is_start(mark, offset)) {
        line_event_start(armed.stack, mark, frame);
        if (mark->spans != NULL)
            span_watch_start(armed.stack, mark, frame);
    } else {
        line_event_resume(armed.stack, mark, frame, code_watch_line(mark, offset));
        if (mark->spans != NULL)
            span_watch_resume(armed.stack, mark, frame);
    }
}

static void on_line(PyFrameObject *frame)
{
    const struct line_code *mark;

    if (line_stack_is_top(armed.stack, frame)) {
        line_event_line(armed.stack, frame_peek_line(frame));
        return;
    }
    if (frame == armed.unwatched)
        return;
    mark = mark_of(frame);
    if (mark != NULL && mark->watches != NULL)
        line_event_line_slow(armed.stack, mark, frame, frame_peek_line(frame));
}

/* How a frame of ours ends when it hands out `value`. */
static enum line_leave way_out(const struct line_code *mark, int offset, PyObject *value)
{
    if (value == NULL)
        return LINE_UNWIND;
    return mark->resumable && opcode_at(mark, offset) != RETURN_VALUE ? LINE_YIELD : LINE_RETURN;
}

/* It is the frame on top. */
static inline void leave_top(const struct line_code *mark, int offset, enum line_leave how)
{
    int line = how == LINE_UNWIND ? 0 : code_watch_quiet_line(mark, offset);

    if (line != 0)
        line_event_leave_quietly(armed.stack, how, line);
    else
        line_event_leave_top(armed.stack, how);
}

static void on_return(PyFrameObject *frame, PyObject *value)
{
    const struct line_code *mark;
    enum line_leave how;

    if (line_stack_is_top(armed.stack, frame)) {
        mark = armed.stack->frames[armed.stack->depth - 1].code;
        how = way_out(mark, frame_peek_offset(frame), value);
        leave_top(mark, frame_peek_offset(frame), how);
    } else {
        mark = frame == armed.unwatched ? NULL : mark_of(frame);
        if (mark == NULL) {
            armed.unwatched = NULL;
            if (armed.before == NULL)
                frame_peek_set_lines(frame, 1); /* a generator goes on without us */
            return;
        }
        how = way_out(mark, frame_peek_offset(frame), value);
        line_event_leave(armed.stack, frame, how);
    }
    if (mark->spans != NULL)
        span_watch_leave(armed.stack, mark, frame, how);
}

/*
 * What PyEval_SetTrace does, for a function of the same object: that one stays, so sys.gettrace()
 * answers as if we were not there; and a generator can be armed at every resume.
 */
static void put_trace(PyThreadState *thread, Py_tracefunc function)
{
    int wanted = thread->tracing == 0 && (function != NULL || thread->c_profilefunc != NULL);

    thread->c_tracefunc = function;
#if PY_VERSION_HEX >= 0x030B0000
    thread->cframe->use_tracing = wanted ? 255 : 0;
#else
    thread->cframe->use_tracing = wanted;
#endif
}

/* A thread that was followed needs it no longer when no profiled call runs any more. */
static void stop_following(void)
{
    PyThreadState *thread = PyThreadState_Get();

    armed.followed = 0;
    if (thread->c_tracefunc == trace)
        put_trace(thread, armed.before);
}

/* Any event, of any frame, with whatever tracer was there before. */
__attribute__((noinline)) static int trace_any(PyObject *obj, PyFrameObject *frame, int what,
                                               PyObject *arg)
{
    Py_tracefunc before = armed.before;

    if (what == PyTrace_LINE)
        on_line(frame);
    else if (what == PyTrace_CALL)
        on_call(frame);
    else if (what == PyTrace_RETURN)
        on_return(frame, arg);
    if (armed.followed && armed.stack->depth == 0 && armed.state->tracer->n_armed == 0)
        stop_following();
    return before == NULL ? 0 : before(obj, frame, what, arg);
}

/*
 * The hot path: a line of the frame on top. Whatever is unusual is done by functions that end it,
 * so that no register has to be kept across a call.
 */
static int trace(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    if (__builtin_expect(what != PyTrace_LINE || !line_stack_is_top(armed.stack, frame) ||
                             frame->f_lineno == 0 || armed.before != NULL || armed.followed,
                         0))
        return trace_any(obj, frame, what, arg);
    line_event_line(armed.stack, frame->f_lineno);
    return 0;
}

/* Puts our trace function in front of what is there. Returns the depth of the thread's stack of
 * watched frames, or -1 without memory for one.
 */
static int set_trace(struct module_state *state, PyThreadState *thread)
{
    struct line_stack *stack = module_state_stack(state, thread);

    if (stack == NULL)
        return -1;
    armed.state = state;
    armed.stack = stack;
    armed.before = thread->c_tracefunc;
    armed.unwatched = NULL;
    put_trace(thread, trace);
    return stack->depth;
}

/* ---- threads that start inside a profiled call ---- */

/* Called as a Python trace function at the first call in every new thread. */
static PyObject *thread_began(PyObject *capsule, PyObject *args)
{
    struct module_state *state = PyCapsule_GetPointer(capsule, NULL);
    PyObject *before = state->tracer->hook_before, *result;

    result = PyObject_CallOneArg(PySys_GetObject("settrace"), before == NULL ? Py_None : before);
    if (result == NULL)
        return NULL;
    Py_DECREF(result);
    if (state->tracer->n_armed > 0)
        armed.followed = set_trace(state, PyThreadState_Get()) >= 0;
    return before == NULL ? Py_NewRef(Py_None) : PyObject_CallObject(before, args);
}

static PyMethodDef thread_began_def = {"memory_profiler_thread_began", thread_began, METH_VARARGS,
                                       NULL};

/* The names of the module threading, where the program has imported it: borrowed. */
static PyObject *threading_names(struct tracer *tracer)
{
    PyObject *module;

    if (tracer->threading_names == NULL) {
        module = PyImport_GetModule(tracer->threading_name);
        tracer->threading_names = module == NULL ? NULL : Py_XNewRef(PyModule_GetDict(module));
        Py_XDECREF(module);
    }
    return tracer->threading_names;
}

/* Puts our hook for new threads in, and keeps what was there; or puts that back if ours stands. */
static void follow_new_threads(struct tracer *tracer)
{
    PyObject *names = threading_names(tracer), *hook;

    hook = names == NULL ? NULL : PyDict_GetItem(names, tracer->hook_name);
    if (hook == NULL)
        return;
    Py_XSETREF(tracer->hook_before, hook == Py_None ? NULL : Py_NewRef(hook));
    tracer->follows_threads = PyDict_SetItem(names, tracer->hook_name, tracer->thread_began) == 0;
}

static void stop_following_threads(struct tracer *tracer)
{
    PyObject *names = tracer->threading_names;
    PyObject *before = tracer->hook_before == NULL ? Py_None : tracer->hook_before;

    if (!tracer->follows_threads)
        return;
    tracer->follows_threads = 0;
    if (PyDict_GetItem(names, tracer->hook_name) == tracer->thread_began)
        PyDict_SetItem(names, tracer->hook_name, before);
}

/* ---- a tracer that the program sets inside a profiled call ---- */

/*
 * Stands for sys.settrace while a profiled call runs: does what that does, then puts ours back on
 * top, so that a debugger started in the middle of a function and we both see the rest of it.
 */
static PyObject *set_trace_inside(PyObject *capsule, PyObject *function)
{
    struct module_state *state = PyCapsule_GetPointer(capsule, NULL);
    PyThreadState *thread = PyThreadState_Get();
    int was_armed = thread->c_tracefunc == trace;
    PyObject *result = PyObject_CallOneArg(state->tracer->real_settrace, function);

    if (result != NULL && was_armed) {
        frame_lines_restore();
        set_trace(state, thread);
    }
    return result;
}

static PyMethodDef set_trace_inside_def = {"settrace", set_trace_inside, METH_O, NULL};

static void watch_settrace(struct tracer *tracer)
{
    PyObject *real = PyDict_GetItem(tracer->sys_names, tracer->settrace_name);

    if (real == NULL)
        return;
    Py_XSETREF(tracer->real_settrace, Py_NewRef(real));
    PyDict_SetItem(tracer->sys_names, tracer->settrace_name, tracer->settrace_inside);
}

static void unwatch_settrace(struct tracer *tracer)
{
    if (PyDict_GetItem(tracer->sys_names, tracer->settrace_name) == tracer->settrace_inside)
        PyDict_SetItem(tracer->sys_names, tracer->settrace_name, tracer->real_settrace);
}

/* ---- arming ---- */

int tracer_arm_frame(struct module_state *state, PyThreadState *thread)
{
    return thread->c_tracefunc == trace ? -1 : set_trace(state, thread);
}

void tracer_disarm_frame(struct module_state *state, PyThreadState *thread, int depth)
{
    PyObject *type, *value, *trace_back;

    /* The program may have set a tracer of its own meanwhile: then that one stays. */
    if (thread->c_tracefunc == trace) {
        put_trace(thread, armed.before);
        return;
    }
    PyErr_Fetch(&type, &value, &trace_back);
    line_stack_unwind(module_state_stack(state, thread), depth);
    PyErr_Restore(type, value, trace_back);
}

int tracer_arm(struct module_state *state)
{
    int depth = tracer_arm_frame(state, PyThreadState_Get());

    if (depth >= 0 && state->tracer->n_armed++ == 0) {
        follow_new_threads(state->tracer);
        watch_settrace(state->tracer);
        PyErr_Clear();
    }
    return depth;
}

void tracer_disarm(struct module_state *state, int depth)
{
    PyObject *type, *value, *trace_back;

    tracer_disarm_frame(state, PyThreadState_Get(), depth);
    if (--state->tracer->n_armed > 0)
        return;
    PyErr_Fetch(&type, &value, &trace_back);
    stop_following_threads(state->tracer);
    unwatch_settrace(state->tracer);
    PyErr_Clear();
    PyErr_Restore(type, value, trace_back);
}

int tracer_enable(struct module_state *state)
{
    int depth = tracer_arm(state);

    eval_hook_install(state);
    if (depth >= 0)
        armed.enabled_depth = depth;
    armed.enabled += depth >= 0 || armed.enabled > 0;
    return 0;
}

void tracer_disable(struct module_state *state)
{
    eval_hook_remove();
    frame_lines_restore();
    if (armed.enabled > 0 && --armed.enabled == 0)
        tracer_disarm(state, armed.enabled_depth);
}

/* ---- the interface of tracer.h ---- */

/* The strings and names that arming needs, so that it costs a few look-ups in dicts. */
static int make_names(struct tracer *tracer)
{
    PyObject *sys = PyImport_ImportModule("sys");

    tracer->sys_names = sys == NULL ? NULL : Py_XNewRef(PyModule_GetDict(sys));
    Py_XDECREF(sys);
    tracer->threading_name = PyUnicode_InternFromString("threading");
    tracer->hook_name = PyUnicode_InternFromString("_trace_hook");
    tracer->settrace_name = PyUnicode_InternFromString("settrace");
    return tracer->sys_names == NULL || tracer->threading_name == NULL ||
                   tracer->hook_name == NULL || tracer->settrace_name == NULL
               ? -1
               : 0;
}

int tracer_init(PyObject *module, struct module_state *state)
{
    struct tracer *tracer = calloc(1, sizeof *tracer);
    PyObject *capsule;

    if (tracer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    state->tracer = tracer;
    if (profiled_callable_init(module, state) != 0 || make_names(tracer) != 0)
        return -1;
    capsule = PyCapsule_New(state, NULL, NULL);
    if (capsule == NULL)
        return -1;
    tracer->thread_began = PyCFunction_New(&thread_began_def, capsule);
    tracer->settrace_inside = PyCFunction_New(&set_trace_inside_def, capsule);
    Py_DECREF(capsule);
    return tracer->thread_began == NULL || tracer->settrace_inside == NULL ? -1 : 0;
}

int tracer_watch(struct module_state *state, PyObject *code)
{
    struct line_code *mark = code_watch_find(state, code);

    code_watch_forget(state);
    armed.unwatched = NULL;
    mark->traced = 1;
    return 0;
}

void tracer_unwatch(struct module_state *state, PyObject *code)
{
    struct line_code *mark = code_watch_find(state, code);

    code_watch_forget(state);
    if (mark != NULL)
        mark->traced = 0;
}

static int is_resumable(PyObject *function)
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

PyObject *tracer_decorate(struct module_state *state, PyObject *target, PyObject *function)
{
    if (is_resumable(function)) {
        eval_hook_install(state);
        return Py_NewRef(target);
    }
    return profiled_callable_new(state, target);
}

void tracer_release(struct module_state *state)
{
    if (state->tracer == NULL)
        return;
    Py_CLEAR(state->tracer->threading_names);
    Py_CLEAR(state->tracer->sys_names);
    Py_CLEAR(state->tracer->threading_name);
    Py_CLEAR(state->tracer->hook_name);
    Py_CLEAR(state->tracer->settrace_name);
    Py_CLEAR(state->tracer->thread_began);
    Py_CLEAR(state->tracer->hook_before);
    Py_CLEAR(state->tracer->settrace_inside);
    Py_CLEAR(state->tracer->real_settrace);
    free(state->tracer);
    state->tracer = NULL;
}
