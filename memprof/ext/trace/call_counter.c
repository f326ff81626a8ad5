#include "memprof/ext/trace/call_counter.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/machine/grow.h"

struct counter_thread {
    uint64_t id; /* tells a new thread where another was */
    struct call_stack *stack;
};

/* ---- functions and threads ---- */

static bool is_hidden(const struct call_counter *counter, PyCodeObject *code)
{
    return counter->hidden != NULL &&
           PyUnicode_Tailmatch(code->co_filename, counter->hidden, 0, PY_SSIZE_T_MAX, -1) == 1;
}

/* (file, line, name). It holds nothing that could hold it, and so the collector need not know it:
 * a program that counts its objects counts none of ours. */
static PyObject *key_of(PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *name = code->co_qualname;
#else
    PyObject *name = code->co_name;
#endif
    PyObject *key = Py_BuildValue("OiO", code->co_filename, code->co_firstlineno, name);

    if (key != NULL)
        PyObject_GC_UnTrack(key);
    return key;
}

/* The function at the same place of the same file as before, or a new one: code that is made again
 * and again, by exec or in a loop, is one function. NULL with an exception. */
static struct call_function *function_at(struct call_counter *counter, PyObject *key)
{
    PyObject *capsule = PyDict_GetItemWithError(counter->keys, key);
    struct call_function *function;
    int error;

    if (capsule != NULL)
        return PyCapsule_GetPointer(capsule, NULL);
    if (PyErr_Occurred())
        return NULL;
    function = call_function_new(&counter->graph, key);
    capsule = function == NULL ? PyErr_NoMemory() : PyCapsule_New(function, NULL, NULL);
    if (capsule == NULL)
        return NULL;
    error = PyDict_SetItem(counter->keys, key, capsule);
    Py_DECREF(capsule);
    return error == 0 ? function : NULL;
}

/* What the code's extra is told once; code that cannot have one is not counted. */
__attribute__((noinline)) static struct call_function *find_function(struct call_counter *counter,
                                                                     PyObject *code)
{
    struct line_code *found;
    struct py_error pending;
    PyObject *key = NULL;
    struct code_extra *extra = NULL;

    py_error_fetch(&pending);
    found = line_code_make_bare(counter->state, code);
    if (found != NULL) {
        extra = code_extra_of(found);
        /*
         * Set before what may fail: a code that is hidden, or has no key, is not looked up again.
         */
        extra->calls_of = counter->number;
        extra->calls = NULL;
        key = is_hidden(counter, (PyCodeObject *)code) ? NULL : key_of((PyCodeObject *)code);
    }
    if (key != NULL)
        extra->calls = function_at(counter, key);
    Py_XDECREF(key); /* the dict keeps the one that is the function's owner */
    py_error_restore(&pending);
    return extra == NULL ? NULL : extra->calls;
}

/* NULL: not counted. */
static inline struct call_function *function_of(struct call_counter *counter, PyObject *code)
{
    const struct line_code *found = line_code_recall(counter->state, code);
    const struct code_extra *extra = code_extra_of(found);

    if (__builtin_expect(found != NULL && extra->calls_of == counter->number, 1))
        return extra->calls;
    return find_function(counter, code);
}

/* The stack with the number of the thread's line_stack; a thread that is new there begins anew. */
__attribute__((noinline)) static struct call_stack *
find_stack(struct call_counter *counter, struct line_stack *lines, uint64_t id)
{
    struct counter_thread *threads = grow_zeroed(counter->threads, sizeof *threads,
                                                 (size_t)lines->slot + 1, &counter->n_threads);

    if (threads == NULL)
        return NULL;
    counter->threads = threads;
    threads += lines->slot;
    if (threads->stack == NULL)
        threads->stack = call_stack_new(&counter->graph, &lines->meter_threads[counter->meter]);
    else
        call_stack_clear(threads->stack);
    threads->id = id;
    return threads->stack;
}

static inline struct call_stack *stack_of(struct call_counter *counter)
{
    PyThreadState *thread;
    struct line_stack *lines = module_state_here(counter->state, &thread);
    const struct counter_thread *known;

    if (lines == NULL)
        return NULL;
    known = (size_t)lines->slot < counter->n_threads ? &counter->threads[lines->slot] : NULL;
    if (__builtin_expect(known != NULL && known->stack != NULL && known->id == thread->id, 1))
        return known->stack;
    return find_stack(counter, lines, thread->id);
}

/* ---- events ---- */

void call_counter_start(struct module_state *state, PyObject *code, const void *key)
{
    struct call_counter *counter = state->calls;
    struct call_function *function = counter == NULL ? NULL : function_of(counter, code);
    struct call_stack *stack = function == NULL ? NULL : stack_of(counter);

    if (stack != NULL)
        call_event_start(&counter->graph, stack, function, key);
}

void call_counter_resume(struct module_state *state, PyObject *code, const void *key)
{
    struct call_counter *counter = state->calls;
    struct call_function *function = counter == NULL ? NULL : function_of(counter, code);
    struct call_stack *stack = function == NULL ? NULL : stack_of(counter);

    if (stack != NULL)
        call_event_resume(&counter->graph, stack, function, key);
}

void call_counter_leave(struct module_state *state, const void *key)
{
    struct call_stack *stack = state->calls == NULL ? NULL : stack_of(state->calls);

    if (stack != NULL)
        call_event_leave(&state->calls->graph, stack, key);
}

/* ---- life ---- */

int call_counter_init(struct call_counter *counter, struct module_state *state, int meter,
                      PyObject *hidden)
{
    counter->state = state;
    counter->number = ++state->n_views;
    counter->meter = meter;
    counter->hidden = Py_XNewRef(hidden);
    call_graph_init(&counter->graph, state->engine.meters[meter]);
    counter->keys = PyDict_New();
    return counter->keys == NULL ? -1 : 0;
}

void call_counter_release(struct call_counter *counter)
{
    call_graph_release(&counter->graph);
    Py_CLEAR(counter->keys);
    Py_CLEAR(counter->hidden);
    free(counter->threads);
}
