/*
 * A thread of ours beside the program's, which is not there while the program forks: a child would
 * find half of it, and Python warns of threads.
 *
 * The order of calls, each holding the interpreter's lock: side_thread_init(), side_thread_start();
 * around a fork side_thread_stop(), and in the parent side_thread_resume(), in the child
 * side_thread_begin_anew() and side_thread_start(); at last side_thread_stop() and
 * side_thread_release().
 */
#ifndef MEMPROF_EXT_SIDE_THREAD_H
#define MEMPROF_EXT_SIDE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/waiter.h"

struct side_thread {
    void *(*run)(void *);
    void *context;
    size_t stack_size;  /* bytes */
    struct waiter stop; /* woken: the thread is to end */
    pthread_t thread;
    pid_t pid;              /* of the process that may start it */
    int n_stops;            /* forks under way, in as many threads */
    bool is_running;        /* the thread, with `ending` */
    pthread_mutex_t ending; /* held while it is waited for: nobody forks with half a thread */
};

/* 0 or -errno. */
int side_thread_init(struct side_thread *side, void *(*run)(void *), void *context,
                     size_t stack_size);
void side_thread_release(struct side_thread *side);

/* Where no thread is to be had nothing runs. */
void side_thread_start(struct side_thread *side);

/* Waits for its end, without the interpreter's lock, which it may want. */
void side_thread_stop(struct side_thread *side);

/* Starts it again when the last of those that stopped it is through. */
void side_thread_resume(struct side_thread *side);

/* In a forked child: a thread that was never started. 0 or -errno. */
int side_thread_begin_anew(struct side_thread *side);

/* For the thread: sleeps until the moment on the monotonic clock; true: it is to end. */
bool side_thread_sleep(struct side_thread *side, int64_t until_ns);

#endif
