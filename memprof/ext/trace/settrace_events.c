#include "memprof/ext/trace/settrace_events.h"

#include <stdbool.h>

#include "memprof/heap/alloc_log.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/fibres.h"
#include "memprof/ext/trace/frame_peek.h"
#include "memprof/ext/trace/span_watch.h"
#include "memprof/ext/trace/thread_starts.h"

/* What this thread's trace function needs; the interpreter's `obj` belongs to the tracer before. */
static THREAD_VARIABLE struct {
    struct module_state *state;
    struct line_stack *stack;
    Py_tracefunc before;
    PyFrameObject *unwatched;  /* the latest frame found to be none of ours */
    int n;                     /* how often armed: more than once where greenlets take turns */
    int open_spans;            /* recorded calls that run here: they are in no line_stack */
    int followed;              /* armed because the thread was started inside a profiled call */
    bool is_shared;            /* followed, or there is a tracer before: not the common case */
    PyFrameObject *starter;    /* a function that may start threads runs */
    Py_tracefunc profiler;     /* what is profiled by meanwhile */
} armed = {.is_shared = true}; /* a thread that begins armed is followed */

static int trace(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg);

/*
 * What PyEval_SetTrace does, for a function of the same object: that one stays, so sys.gettrace()
 * answers as if we were not there; and a generator can be armed at every resume.
 */
static void put_trace(PyThreadState *thread, Py_tracefunc function)
{
    int wanted = thread->tracing == 0 && (function != NULL || thread->c_profilefunc != NULL);

    thread->c_tracefunc = function;
#if PY_VERSION_HEX >= 0x030B0000
    /* Python 3.11 ORs this into every opcode: 255 is the opcode that traces. */
    thread->cframe->use_tracing = wanted ? 255 : 0;
#else
    thread->cframe->use_tracing = wanted;
#endif
}

/* ---- threads that start inside a profiled call ---- */

static void follow_thread(PyThreadState *thread)
{
    if (thread->c_tracefunc == NULL)
        put_trace(thread, trace);
}

/* A profile function without an object: sys.getprofile() answers as if it were not there. */
static int see_starts(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    thread_starts_see(what, arg, follow_thread);
    return armed.profiler == NULL ? 0 : armed.profiler(obj, frame, what, arg);
}

/* Thread.start(), or a function of the same name: all C calls are seen while it runs. */
static void begin_starter(PyFrameObject *frame)
{
    PyThreadState *thread = PyThreadState_Get();
    const PyCodeObject *code = (const PyCodeObject *)frame_peek_code(frame);

    if (code->co_name != armed.state->settrace->start_name || armed.starter != NULL)
        return;
    armed.starter = frame;
    armed.profiler = thread->c_profilefunc;
    thread->c_profilefunc = see_starts;
}

static void end_starter(PyThreadState *thread)
{
    armed.starter = NULL;
    if (thread->c_profilefunc == see_starts)
        thread->c_profilefunc = armed.profiler;
}

/* ---- events ---- */

static void start_span(const struct line_code *extra, PyFrameObject *frame, bool is_start)
{
    armed.open_spans++;
    if (is_start)
        span_watch_start(armed.stack, extra, frame);
    else
        span_watch_resume(armed.stack, extra, frame);
}

/* The extra of a frame's code, NULL where nobody watches it; remembers such a frame. */
static struct line_code *extra_of(PyFrameObject *frame)
{
    struct line_code *extra = line_code_recall(armed.state, frame_peek_code(frame));

    if (line_code_is_wanted(extra))
        return extra;
    armed.unwatched = frame;
    return NULL;
}

static int opcode_at(const struct line_code *extra, int offset)
{
    int at = offset / CODE_UNIT;

    return offset < 0 || at >= extra->n_lines ? -1 : extra->opcodes[at];
}

static void begin_slow(PyFrameObject *frame)
{
    const struct line_code *extra;
    int offset, is_start;

    armed.unwatched = NULL;
    extra = extra_of(frame);
    if (extra == NULL) {
        /*
         * Nobody else traces: the interpreter then runs the frame without line events
         * (frame_lines.h).
         */
        if (armed.before == NULL)
            frame_peek_set_lines(frame, 0);
        begin_starter(frame);
        return;
    }
    offset = frame_peek_offset(frame);
    is_start = frame_peek_is_start(extra, offset);
    if (is_start)
        line_event_start(armed.stack, extra, frame);
    else
        line_event_resume(armed.stack, extra, frame, line_code_line_at(extra, offset));
    if (extra->spans != NULL)
        start_span(extra, frame, is_start);
}

static void on_line(PyFrameObject *frame)
{
    const struct line_code *extra;

    if (line_stack_is_top(armed.stack, frame)) {
        line_event_line(armed.stack, frame_peek_line(frame));
        return;
    }
    if (frame == armed.unwatched)
        return;
    extra = extra_of(frame);
    if (extra != NULL && extra->watches != NULL)
        line_event_line_slow(armed.stack, extra, frame, frame_peek_line(frame));
}

/* How a frame of ours ends when it hands out `value`. */
static enum line_leave way_out(const struct line_code *extra, int offset, PyObject *value)
{
    /* The interpreter has one event for return, yield and unwinding: only the last has no value. */
    if (value == NULL)
        return LINE_UNWIND;
    return extra->resumable && opcode_at(extra, offset) != RETURN_VALUE ? LINE_YIELD : LINE_RETURN;
}

static void leave_slow(PyFrameObject *frame, PyObject *value)
{
    const struct line_code *extra;
    enum line_leave how;

    if (frame == armed.starter)
        end_starter(PyThreadState_Get());
    if (line_stack_is_top(armed.stack, frame)) {
        extra = armed.stack->frames[armed.stack->depth - 1].code;
        how = way_out(extra, frame_peek_offset(frame), value);
        line_code_leave_top(armed.stack, extra, frame_peek_offset(frame), how);
    } else {
        extra = frame == armed.unwatched ? NULL : extra_of(frame);
        if (extra == NULL) {
            armed.unwatched = NULL;
            if (armed.before == NULL)
                frame_peek_set_lines(frame, 1); /* a generator goes on without us */
            return;
        }
        how = way_out(extra, frame_peek_offset(frame), value);
        line_event_leave(armed.stack, frame, how);
    }
    if (extra->spans == NULL)
        return;
    armed.open_spans--;
    span_watch_leave(armed.stack, extra, frame, how);
}

/* A thread that was followed needs it no longer when no profiled call runs any more. */
static void stop_following(void)
{
    PyThreadState *thread = PyThreadState_Get();

    if (armed.stack->depth > 0 || armed.open_spans > 0 || armed.state->settrace->n_armed > 0)
        return;
    armed.followed = 0;
    if (thread->c_tracefunc == trace)
        put_trace(thread, armed.before);
}

static int set_trace(struct module_state *state, PyThreadState *thread);

/* The first event of a thread that began armed. false without memory. */
static bool begin_followed(void)
{
    struct module_state *state = module_state_get(NULL); /* it was made before the thread */

    module_state_drop(state);
    armed.followed = 1;
    return set_trace(state, PyThreadState_Get()) >= 0;
}

/* Where greenlets take turns armed.stack becomes that of the running one, if it is of any use.
 * false without memory. */
static bool find_greenlet(PyFrameObject *frame)
{
    armed.is_shared = true;
    if (line_code_is_wanted(line_code_recall(armed.state, frame_peek_code(frame))))
        armed.stack = module_state_stack(armed.state, PyThreadState_Get());
    return armed.stack != NULL;
}

/* Any event, of any frame. False without memory for a thread that has just begun. */
static bool see_event(PyFrameObject *frame, int what, PyObject *arg)
{
    if (armed.state == NULL && !begin_followed())
        return false;
    if (what == PyTrace_CALL)
        fibres_look_for(armed.state);
    if (armed.state->fibre_stack != NULL && !find_greenlet(frame))
        return true;
    if (what == PyTrace_LINE)
        on_line(frame);
    else if (what == PyTrace_CALL)
        begin_slow(frame);
    else if (what == PyTrace_RETURN)
        leave_slow(frame, arg);
    if (armed.followed)
        stop_following();
    return true;
}

/* The interpreter makes a table of lines when a code is traced first, and keeps it: for us. */
static void undo_line_array(PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030B0000
    alloc_log_undo(((PyCodeObject *)frame_peek_code(frame))->_co_linearray);
#else
    (void)frame;
#endif
}

/* The same with whatever tracer was there before; while allocations are recorded every event comes
 * here. */
__attribute__((noinline)) static int trace_slow(PyObject *obj, PyFrameObject *frame, int what,
                                                PyObject *arg)
{
    Py_tracefunc before = armed.before;
    bool is_seen;

    undo_line_array(frame);
    alloc_pause(); /* what we need for it is not the program's */
    is_seen = see_event(frame, what, arg);
    alloc_resume();
    return !is_seen || before == NULL ? 0 : before(obj, frame, what, arg);
}

/* ---- the hot paths ---- */

/*
 * Nearly every event is of code that only tables want, and nobody else traces. What is unusual is
 * done by functions that end the event, so that no register has to be kept across a call.
 */

static int trace_call(PyObject *obj, PyFrameObject *frame)
{
    const struct line_code *extra = line_code_recall_same(armed.state, frame_peek_code(frame));
    int offset;

    if (extra == NULL)
        return trace_slow(obj, frame, PyTrace_CALL, NULL);
    armed.unwatched = NULL;
    offset = frame_peek_offset(frame);
    if (frame_peek_is_start(extra, offset))
        line_event_start(armed.stack, extra, frame);
    else
        line_event_resume(armed.stack, extra, frame, line_code_line_at(extra, offset));
    return 0;
}

static int trace_return(PyObject *obj, PyFrameObject *frame, PyObject *value)
{
    const struct line_code *extra = armed.stack->frames[armed.stack->depth - 1].code;
    int offset = frame_peek_offset(frame);

    if (extra->spans != NULL)
        return trace_slow(obj, frame, PyTrace_RETURN, value);
    line_code_leave_top(armed.stack, extra, offset, way_out(extra, offset, value));
    return 0;
}

static int trace(PyObject *obj, PyFrameObject *frame, int what, PyObject *arg)
{
    struct line_stack *stack = armed.stack;

    if (__builtin_expect(armed.is_shared, 0))
        return trace_slow(obj, frame, what, arg);
    if (what == PyTrace_CALL)
        return trace_call(obj, frame);
    if (__builtin_expect(!line_stack_is_top(stack, frame) || frame->f_lineno == 0, 0))
        return trace_slow(obj, frame, what, arg);
    if (__builtin_expect(what == PyTrace_LINE, 1)) {
        line_event_line(stack, frame->f_lineno);
        return 0;
    }
    return what == PyTrace_RETURN ? trace_return(obj, frame, arg) : 0;
}

/* ---- arming ---- */

/*
 * Puts our trace function in front of what is there. Returns the depth of the thread's stack of
 * watched frames, or -1 without memory for one.
 */
static int set_trace(struct module_state *state, PyThreadState *thread)
{
    struct line_stack *stack = module_state_stack(state, thread);

    if (stack == NULL)
        return -1;
    armed.state = state;
    armed.stack = stack;
    /* A thread can be followed in a frame that was armed before. */
    if (thread->c_tracefunc != trace)
        armed.before = thread->c_tracefunc;
    armed.is_shared = armed.before != NULL || armed.followed || state->fibre_stack != NULL ||
                      atomic_load(&alloc_log_active) != NULL;
    armed.unwatched = NULL;
    end_starter(thread);
    put_trace(thread, trace);
    return stack->depth;
}

bool settrace_is_armed(void)
{
    return PyThreadState_Get()->c_tracefunc == trace;
}

void settrace_arm_again(struct module_state *state)
{
    set_trace(state, PyThreadState_Get());
}

bool settrace_is_armed_here(const struct module_state *state)
{
    return state->fibre_stack == NULL && settrace_is_armed();
}

int settrace_arm_frame(struct module_state *state, PyThreadState *thread)
{
    int depth = -1;

    if (thread->c_tracefunc != trace || state->fibre_stack != NULL)
        depth = set_trace(state, thread);
    armed.n += depth >= 0;
    return depth;
}

void settrace_disarm_frame(struct module_state *state, PyThreadState *thread, int depth)
{
    struct py_error pending;

    /* The program may have set a tracer of its own meanwhile: then that one stays. */
    end_starter(thread);
    /* Calls of other greenlets go on, or wait. */
    if (--armed.n > 0 && thread->c_tracefunc == trace)
        return;
    if (thread->c_tracefunc == trace) {
        put_trace(thread, armed.before);
        return;
    }
    /* Our events went with our tracer: nobody will see the frames above `depth` end. */
    py_error_fetch(&pending);
    line_stack_unwind(module_state_stack(state, thread), depth);
    py_error_restore(&pending);
}

void settrace_forget_frame(void)
{
    armed.unwatched = NULL;
}
