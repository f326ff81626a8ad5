/*
 * A thread of ours beside the program's, which is not there while the program forks: a child would
 * find half of it, and Python warns of threads. Python has it as an object, and says when a fork
 * begins and has ended (python/memory_profiler/_side_thread.py).
 *
 * The order of calls, each holding the interpreter's lock: side_thread_init(), then
 * side_thread_start(), which makes the object; side_thread_stop() at any time.
 */
#ifndef MEMPROF_EXT_SIDE_THREAD_H
#define MEMPROF_EXT_SIDE_THREAD_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/waiter.h"

/* What a kind of thread does; all are given its context. */
struct side_thread_kind {
    void *(*run)(void *);
    void (*begin_anew)(void *); /* in a forked child, before it runs there; NULL: nothing */
    void (*release)(void *);    /* with its object: calls side_thread_release() */
    size_t stack_size;          /* bytes */
};

struct side_thread {
    const struct side_thread_kind *kind;
    void *context;
    struct waiter stop; /* woken: the thread is to end */
    pthread_t thread;
    pid_t pid;              /* of the process that may start it */
    int n_stops;            /* forks under way, in as many threads */
    bool is_running;        /* the thread, with `ending` */
    pthread_mutex_t ending; /* held while it is waited for: nobody forks with half a thread */
};

/* 0 or -errno. */
int side_thread_init(struct side_thread *side, const struct side_thread_kind *kind, void *context);
void side_thread_release(struct side_thread *side);

/* The object, which owns the context from now on; where no thread is to be had nothing runs. NULL
 * with an exception: the context is released. */
PyObject *side_thread_start(struct side_thread *side);

/* Of such an object; NULL with an exception. */
struct side_thread *side_thread_of(PyObject *object);

/* Waits for its end, without the interpreter's lock, which it may want. */
void side_thread_stop(struct side_thread *side);

/* For the thread: sleeps until the moment on the monotonic clock; true: it is to end. */
bool side_thread_sleep(struct side_thread *side, int64_t until_ns);

/* Adds side_pause() and side_resume() to the module. 0, or -1 with an exception. */
int side_thread_add(PyObject *module);

#endif
