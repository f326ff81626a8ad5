/*
 * Waits for what a sampler waits for: a moment, the end of a process (of ours or of anybody), a
 * signal, a pipe to be read. Functions return 0 or -errno.
 *
 * The order of calls: block the signals, child_wait_init(), then child_wait_next() in a loop, with
 * child_wait_signal() until it returns 0 where CHILD_WAIT_SIGNAL came, then child_wait_release().
 */
#ifndef MEMPROF_CHILD_WAIT_H
#define MEMPROF_CHILD_WAIT_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

struct child_wait {
    pid_t pid;
    int end_fd;    /* tells the end of the process; -1: asked for every 10 ms instead */
    int signal_fd; /* gives the signals that came */
    int pipe_fd;   /* borrowed, or -1 */
};

/* What happened, as bits; 0: the moment came. */
#define CHILD_WAIT_END 1
#define CHILD_WAIT_SIGNAL 2
#define CHILD_WAIT_PIPE 4

/*
 * Starts to watch. `signals` must be blocked already, in every thread; from here on this thread's
 * sleeps end as exactly as the system can make them. -ESRCH when there is no such process.
 */
int child_wait_init(struct child_wait *watch, pid_t pid, const sigset_t *signals, int pipe_fd);

/* Stops watching. */
void child_wait_release(struct child_wait *watch);

/*
 * Sleeps until clock_monotonic_ns() reaches the deadline (INT64_MAX: for ever) or something
 * happens. Returns CHILD_WAIT_... bits, or -errno.
 */
int child_wait_next(struct child_wait *watch, int64_t deadline_ns);

/* The next signal that came, or 0. */
int child_wait_signal(struct child_wait *watch);

#endif
