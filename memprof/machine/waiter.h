/*
 * A sleep until a moment of the monotonic clock that another thread can end. After waiter_init()
 * and before waiter_release() any thread may call the other functions.
 */
#ifndef MEMPROF_WAITER_H
#define MEMPROF_WAITER_H

#include <pthread.h>
#include <stdint.h>

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int woken;
};

/* 0 or -errno. */
int waiter_init(struct waiter *waiter);
void waiter_release(struct waiter *waiter);

/* Sleeps until clock_monotonic_ns() reaches `deadline_ns`: 0, or 1 when it was woken (or before).
 */
int waiter_sleep_until_ns(struct waiter *waiter, int64_t deadline_ns);

/* Ends the sleep, and all to come until waiter_clear(). */
void waiter_wake(struct waiter *waiter);
void waiter_clear(struct waiter *waiter);

#endif
