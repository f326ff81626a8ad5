#include "memprof/machine/waiter.h"

#include <errno.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

int waiter_init(struct waiter *waiter)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error != 0)
        return -error;
    waiter->woken = 0;
    /* A step of the wall clock must not move a deadline. */
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    error = pthread_cond_init(&waiter->cond, &attributes);
    pthread_condattr_destroy(&attributes);
    if (error != 0)
        return -error;
    error = pthread_mutex_init(&waiter->mutex, NULL);
    if (error != 0)
        pthread_cond_destroy(&waiter->cond);
    return -error;
}

int waiter_sleep_until_ns(struct waiter *waiter, int64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / SECOND_NS),
                                .tv_nsec = (long)(deadline_ns % SECOND_NS)};
    int woken, error = 0;

    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->woken && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&waiter->cond, &waiter->mutex, &deadline);
    woken = waiter->woken;
    pthread_mutex_unlock(&waiter->mutex);
    return woken;
}
