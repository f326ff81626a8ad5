#include "memprof/ext/trace/call_counter.h"

#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/machine/grow.h"

struct counter_thread {
    uint64_t id; /* tells a new thread where another was */
    struct call_stack *stacks[COUNTER_MOST_GRAPHS];
};

/* ---- functions and threads ---- */

static bool begins_with(PyObject *name, PyObject *text)
{
    return PyUnicode_Tailmatch(name, text, 0, PY_SSIZE_T_MAX, -1) == 1;
}

static bool contains(PyObject *name, PyObject *text)
{
    return PyUnicode_Contains(name, text) == 1;
}

static bool any_of(PyObject *texts, PyObject *name, bool (*is_so)(PyObject *name, PyObject *text))
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(texts); i++)
        if (is_so(name, PyTuple_GET_ITEM(texts, i)))
            return true;
    return false;
}

static bool is_hidden(const struct call_counter *counter, PyCodeObject *code)
{
    return counter->wish.hidden != NULL && begins_with(code->co_filename, counter->wish.hidden);
}

static enum call_side side_of(const struct call_counter *counter, PyObject *name)
{
    Py_UCS4 first = PyUnicode_GET_LENGTH(name) > 0 ? PyUnicode_READ_CHAR(name, 0) : 0;
    PyObject *own = counter->wish.own, *others = counter->wish.others;

    if (own == NULL || others == NULL)
        return CALL_OWN;
    if (any_of(own, name, begins_with) && !any_of(others, name, contains))
        return CALL_OWN;
    /* <string>, a template: made by who calls it. What is frozen is the interpreter's. */
    return first == '/' || any_of(others, name, begins_with) ? CALL_LIBRARY : CALL_EITHER;
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

/* In each graph; that in the first. NULL without memory. */
static struct call_function *make_function(struct call_counter *counter, PyObject *key)
{
    struct call_function *made[COUNTER_MOST_GRAPHS] = {NULL};

    for (int i = 0; i < counter->n_graphs; i++) {
        made[i] = call_function_new(&counter->graphs[i], key);
        if (made[i] == NULL)
            return NULL;
        made[i]->side = side_of(counter, PyTuple_GET_ITEM(key, 0));
    }
    made[0]->twin = made[1];
    return made[0];
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
    function = make_function(counter, key);
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

static bool make_stacks(struct call_counter *counter, struct counter_thread *thread,
                        struct line_stack *lines)
{
    for (int i = 0; i < counter->n_graphs; i++) {
        if (thread->stacks[i] != NULL)
            call_stack_clear(thread->stacks[i]);
        else
            thread->stacks[i] =
                call_stack_new(&counter->graphs[i], &lines->meter_threads[counter->meter]);
        if (thread->stacks[i] == NULL)
            return false;
    }
    return true;
}

/* The stacks with the number of the thread's line_stack; a thread that is new there begins anew. */
__attribute__((noinline)) static struct call_stack *const *
find_stacks(struct call_counter *counter, struct line_stack *lines, uint64_t id)
{
    struct counter_thread *threads = grow_zeroed(counter->threads, sizeof *threads,
                                                 (size_t)lines->slot + 1, &counter->n_threads);

    if (threads == NULL)
        return NULL;
    counter->threads = threads;
    threads += lines->slot;
    /* Where one of them could not be had the thread is asked for again at its next event. */
    threads->id = 0;
    if (!make_stacks(counter, threads, lines))
        return NULL;
    threads->id = id;
    return threads->stacks;
}

/* One for each graph. NULL without memory. */
static inline struct call_stack *const *stacks_of(struct call_counter *counter)
{
    PyThreadState *thread;
    struct line_stack *lines = module_state_here(counter->state, &thread);
    const struct counter_thread *known;

    if (lines == NULL)
        return NULL;
    known = (size_t)lines->slot < counter->n_threads ? &counter->threads[lines->slot] : NULL;
    if (__builtin_expect(known != NULL && known->stacks[0] != NULL && known->id == thread->id, 1))
        return known->stacks;
    return find_stacks(counter, lines, thread->id);
}

/* ---- events ---- */

void call_counter_start(struct module_state *state, PyObject *code, const void *key)
{
    struct call_counter *counter = state->calls;
    struct call_function *function = counter == NULL ? NULL : function_of(counter, code);
    struct call_stack *const *stacks = function == NULL ? NULL : stacks_of(counter);

    for (int i = 0; stacks != NULL && i < counter->n_graphs; i++, function = function->twin)
        call_event_start(&counter->graphs[i], stacks[i], function, key);
}

void call_counter_resume(struct module_state *state, PyObject *code, const void *key)
{
    struct call_counter *counter = state->calls;
    struct call_function *function = counter == NULL ? NULL : function_of(counter, code);
    struct call_stack *const *stacks = function == NULL ? NULL : stacks_of(counter);

    for (int i = 0; stacks != NULL && i < counter->n_graphs; i++, function = function->twin)
        call_event_resume(&counter->graphs[i], stacks[i], function, key);
}

void call_counter_leave(struct module_state *state, const void *key)
{
    struct call_counter *counter = state->calls;
    struct call_stack *const *stacks = counter == NULL ? NULL : stacks_of(counter);

    for (int i = 0; stacks != NULL && i < counter->n_graphs; i++)
        call_event_leave(&counter->graphs[i], stacks[i], key);
}

void call_counter_stop(struct call_counter *counter)
{
    for (int i = 0; i < counter->n_graphs; i++)
        call_graph_stop(&counter->graphs[i]);
}

/* ---- life ---- */

int call_counter_init(struct call_counter *counter, struct module_state *state, int meter,
                      const struct counter_wish *wish)
{
    bool wanted[] = {wish->all, wish->folded};

    counter->state = state;
    counter->number = ++state->n_views;
    counter->meter = meter;
    counter->wish = *wish;
    Py_XINCREF(wish->hidden);
    Py_XINCREF(wish->own);
    Py_XINCREF(wish->others);
    for (int i = 0; i < COUNTER_MOST_GRAPHS; i++)
        if (wanted[i]) {
            call_graph_init(&counter->graphs[counter->n_graphs], state->engine.meters[meter]);
            counter->graphs[counter->n_graphs++].folds = i > 0;
        }
    counter->keys = PyDict_New();
    return counter->keys == NULL ? -1 : 0;
}

void call_counter_release(struct call_counter *counter)
{
    for (int i = 0; i < counter->n_graphs; i++)
        call_graph_release(&counter->graphs[i]);
    Py_CLEAR(counter->keys);
    Py_CLEAR(counter->wish.hidden);
    Py_CLEAR(counter->wish.own);
    Py_CLEAR(counter->wish.others);
    free(counter->threads);
}
