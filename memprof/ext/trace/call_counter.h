/*
 * The whole program's calls as the interpreter reports them: code objects become functions of a
 * struct call_graph, threads its stacks. One counter at a time is on, state->calls.
 */
#ifndef MEMPROF_EXT_TRACE_CALL_COUNTER_H
#define MEMPROF_EXT_TRACE_CALL_COUNTER_H

#include <stdbool.h>

#include "memprof/ext/base/module_state.h"
#include "memprof/lines/call_graph.h"

struct counter_thread;

#define COUNTER_MOST_GRAPHS 2

/* What a view wants to see. */
struct counter_wish {
    PyObject *hidden; /* functions of files below this folder are not counted; NULL: of all */
    /*
     * Tuples of strings: what the names of the program's own files begin with, and what others have
     * in theirs. NULL: nothing is told apart.
     */
    PyObject *own, *others;
    bool all, folded; /* which graphs: one at least */
};

struct call_counter {
    struct module_state *state; /* borrowed: the owner of the counter counts a reference */
    struct call_graph graphs[COUNTER_MOST_GRAPHS];
    int n_graphs;
    uint64_t number; /* of this counter: what a code remembers of another means nothing here */
    int meter;       /* index */
    PyObject *keys;  /* dict: (file, line, name) -> capsule of its function in the first graph */
    struct counter_wish wish;       /* owned */
    struct counter_thread *threads; /* by slot of the thread's line_stack */
    size_t n_threads;
};

/* In zeroed memory. -1 with an exception; call_counter_release() also serves then. */
int call_counter_init(struct call_counter *counter, struct module_state *state, int meter,
                      const struct counter_wish *wish);
void call_counter_release(struct call_counter *counter);

/* Events; `key` is the interpreter's frame. Nothing happens while no counter is on. */
void call_counter_start(struct module_state *state, PyObject *code, const void *key);
void call_counter_resume(struct module_state *state, PyObject *code, const void *key);
void call_counter_leave(struct module_state *state, const void *key);

/* All calls that run now end. */
void call_counter_stop(struct call_counter *counter);

#endif
