/*
 * Who calls whom, and what that costs in memory: the whole-program view. It knows no Python: the
 * caller feeds it calls, with functions of its own making and frames as opaque addresses.
 *
 * A function's cumulative increment is what its calls grew, what they called included, and is
 * counted once in recursion; its own increment is that without what they called. So the own
 * increments of all functions add up to what the outermost calls grew. What happens while a
 * generator is suspended belongs to whoever runs then.
 *
 * A graph that folds counts the insides of libraries as what was called from outside: calls that
 * library functions make of each other are none, and what these grow is the caller's own.
 *
 * Not thread-safe: callers hold the interpreter's lock around every call. Memory is in bytes.
 */
#ifndef MEMPROF_CALL_GRAPH_H
#define MEMPROF_CALL_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/machine/meter.h"

/* Whose a function is. */
enum call_side {
    CALL_OWN,     /* the program's */
    CALL_LIBRARY, /* not */
    CALL_EITHER,  /* its caller's: code that has no file */
};

/* Sums of the calls of a function, or of those from one caller. */
struct call_sums {
    uint64_t calls;     /* not counting resumptions of generators */
    uint64_t primitive; /* calls while no other call of the function was running */
    int64_t own, cumulative;
};

struct call_edge {
    struct call_edge *next;
    struct call_function *caller; /* borrowed; NULL: called from outside of what is counted */
    struct call_sums sums;
};

struct call_function {
    struct call_function *next; /* of the graph */
    void *owner;                /* borrowed, the caller's own: who this is */
    struct call_function *twin; /* borrowed, the caller's own: the same in another graph */
    enum call_side side;        /* likewise; CALL_OWN in a new one */
    struct call_sums sums;
    int64_t peak;              /* the most above its entry that was read while a call ran */
    struct call_edge *callers; /* owned; the newest first */
    struct call_edge **edges;  /* owned; the same by caller, once there are many; a power of two */
    uint32_t n_callers, edge_slots;
    int *depths; /* owned; by the slot of a thread: calls that run there now */
    int n_depths;
};

struct call_frame {
    const void *key; /* address of the interpreter's frame */
    struct call_function *function;
    struct call_edge *edge;
    int64_t entry;  /* memory when it began, or was resumed */
    int64_t called; /* what its calls grew since */
    int64_t high;   /* the most that was read since */
    int n_folded;   /* calls that run above it and are folded into it */
};

/* The calls that run in one thread. */
struct call_stack {
    struct call_stack *next;   /* of the graph */
    struct call_frame *frames; /* owned */
    int depth, capacity, slot;
    struct meter_thread *meter_thread; /* borrowed: whoever else reads in this thread shares it */
};

struct call_graph {
    struct meter *meter;             /* borrowed */
    struct call_function *functions; /* owned */
    struct call_stack *stacks;       /* owned */
    int n_stacks;
    int64_t outermost; /* what the outermost calls grew: the sum of all own increments */
    bool folds;        /* to be set before the first call */
};

void call_graph_init(struct call_graph *graph, struct meter *meter);

/* Frees everything, the functions and stacks included. */
void call_graph_release(struct call_graph *graph);

/* A new function, or a new thread and what it knows of the meter. Owned by the graph; NULL without
 * memory. */
struct call_function *call_function_new(struct call_graph *graph, void *owner);
struct call_stack *call_stack_new(struct call_graph *graph, struct meter_thread *meter_thread);

/* Forgets the calls of a thread that is gone: nobody saw them end. */
void call_stack_clear(struct call_stack *stack);

/* A call begins. 0, or -ENOMEM: then it is not counted. */
int call_event_start(struct call_graph *graph, struct call_stack *stack,
                     struct call_function *function, const void *key);

/* A generator goes on. */
int call_event_resume(struct call_graph *graph, struct call_stack *stack,
                      struct call_function *function, const void *key);

/* A frame returns, yields or is unwound. Frames above it, whose end was not seen, end as well. */
void call_event_leave(struct call_graph *graph, struct call_stack *stack, const void *key);

/* Ends all calls that run now. */
void call_graph_stop(struct call_graph *graph);

#endif
