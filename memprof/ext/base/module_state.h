/*
 * Everything the extension remembers: one for each interpreter, however often it is imported there.
 *
 * Whoever reaches the state counts a reference: modules, instances of our types, code objects that
 * are watched. When an interpreter ends, modules go first, then instances, and code last.
 *
 * Nothing in ext/ is thread-safe: callers hold the interpreter's lock, unless a header says
 * otherwise. Objects in a state are owned, unless they are called borrowed.
 */
#ifndef MEMPROF_EXT_MODULE_STATE_H
#define MEMPROF_EXT_MODULE_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/lines/line_event.h"
#include "memprof/machine/clock_rate.h"
#include "memprof/machine/hwm.h"
#include "memprof/machine/peak_meter.h"
#include "memprof/machine/reserve.h"
#include "memprof/profile/peak_note.h"
#include "memprof/ext/base/thread_slot.h"

#if PY_VERSION_HEX < 0x030D0000
#define Py_IsFinalizing _Py_IsFinalizing
#endif

struct module_state;

/* A thread of the interpreter and its stack of watched frames. */
struct thread_entry {
    PyThreadState *thread;
    uint64_t id;              /* tells a new thread at an old address */
    struct line_stack *stack; /* owned by the state */
};

/*
 * What other files of the extension put into a state, in the order of init, and take out again.
 * `init` returns 0, or -1 with an exception; `release` (or NULL) also serves where it failed or
 * was not called.
 */
struct state_part {
    int (*init)(struct module_state *state);
    void (*release)(struct module_state *state);
};

#define N_RESERVES 2 /* see program_run.c */

struct memory_source;
struct fibres;
struct call_counter;
struct profiler_object;
struct highest;

/* What is called while memory is read: see ext/periodic_save.h. Times are of the monotonic clock.
 */
struct periodic_save {
    PyObject *callback; /* or NULL */
    int64_t every_ns;
    int64_t due_ns;    /* called then, whatever memory is */
    int64_t rested_ns; /* not before this */
    int64_t bytes;     /* of memory when it was asked for last */
};

struct module_state {
    int n_references;
    const struct state_part *parts; /* static; one without init ends them */
    struct line_engine engine;
    struct memory_source *sources; /* one per meter, in the order of engine.meters */
    struct thread_slot thread_slot;
    struct thread_entry last;     /* the thread of the latest event */
    struct thread_entry *threads; /* all known threads */
    int n_threads;
    /* Where greenlets take turns: the stack of the one that runs, and `last` is no thread; else
     * NULL. See trace/fibres.h. */
    struct line_stack *(*fibre_stack)(struct module_state *state, struct thread_entry *entry);
    struct fibres *fibres;
    struct clock_rate tick_rate; /* started with the first profiler that measures time */
    struct hwm hwm;              /* open while n_peaks > 0 */
    struct peak_meter peak;
    struct peak_note peak_note; /* to the recorder of this process */
    int n_peaks;                /* profilers that measure peaks */
    int exact;                  /* --exact: no gate */
    int n_span_logs;            /* span recorders that exist */
    uint64_t n_views;           /* of calls, ever made */
    /* The code of the latest look-up and what is known of it; forgotten whenever watching changes
     * and when a code that has an extra dies, so that an address cannot mean another code. */
    PyObject *last_code;
    struct line_code *last_line_code;
    Py_ssize_t extra_index;      /* of our struct code_extra in code objects */
    PyTypeObject *callable_type; /* 3.10 and 3.11: what profile(f) returns */
    PyTypeObject *proxy_type;    /* the same where f is bound in a way of its own */
    PyObject *traced_memory;     /* tracemalloc's reader, once it is wanted */
    PyObject *tracing_users;     /* the set of who reads it for a time, once there was one */
    int tracing_is_ours;         /* started for them */
    struct monitoring_tracer *monitoring; /* what the tracer keeps, on 3.12 and later */
    struct settrace_tracer *settrace;     /* the same on 3.10 and 3.11 */
    struct call_counter *calls;           /* who wants to know of every call, or NULL */
    int calls_are_sent;
    struct profiler_object *call_profilers; /* that hand over calls; each takes itself out */
    int flushes_at_exit;                    /* what is left of their calls */
    PyObject *shared; /* a dict for what must be there once, however often ours is imported */
    struct periodic_save saving;
    struct highest *highest; /* where memory was highest, or NULL: see ext/highest.h */
    PyObject *on_module;     /* called when a module begins, or NULL */
    struct reserve reserves[N_RESERVES];
};

/* The state of the running interpreter, made of `parts` at the first call. New reference, or NULL
 * with an exception. */
struct module_state *module_state_get(const struct state_part *parts);

/* One reference more, or less: with the last one it is freed. */
struct module_state *module_state_keep(struct module_state *state);
void module_state_drop(struct module_state *state);

/* What a module of ours holds: a reference. Borrowed. */
static inline struct module_state *module_state_of(PyObject *module)
{
    return *(struct module_state **)PyModule_GetState(module);
}

/* None of our types can be subclassed, so the type's own module is the one. Borrowed. */
static inline struct module_state *module_state_of_type(PyTypeObject *type)
{
    return *(struct module_state **)PyType_GetModuleState(type);
}

/* The stack of a thread that is not that of the latest event. Borrowed; NULL without memory. */
struct line_stack *module_state_find_stack(struct module_state *state, PyThreadState *thread);

/* One more, with room for so many frames. The caller frees. NULL without memory. */
struct line_stack *module_state_new_stack(struct module_state *state, int capacity);

/* After a fork: the running thread has another number. */
void module_state_renumber(struct module_state *state);

/* The stack of the running thread: a compare in the common case. */
static inline struct line_stack *module_state_stack(struct module_state *state,
                                                    PyThreadState *thread)
{
    if (__builtin_expect(state->last.thread == thread && state->last.id == thread->id, 1))
        return state->last.stack;
    return module_state_find_stack(state, thread);
}

/* The same where the thread is not at hand; `thread` is set to it. */
static inline struct line_stack *module_state_here(struct module_state *state,
                                                   PyThreadState **thread)
{
    *thread = thread_slot_get(&state->thread_slot);
    if (__builtin_expect(state->last.thread == *thread && state->last.id == (*thread)->id, 1))
        return state->last.stack;
    thread_slot_check(&state->thread_slot);
    *thread = PyThreadState_GetUnchecked();
    return module_state_find_stack(state, *thread);
}

#endif
