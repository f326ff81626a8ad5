#include "memprof/machine/waiter.h"

#include <time.h>

#include "memprof/machine/clock.h"

#define SECOND_NS INT64_C(1000000000)

int waiter_init(struct waiter *waiter)
{
    int error = pthread_cond_init(&waiter->cond, NULL);

    waiter->woken = 0;
    if (error != 0)
        return -error;
    error = pthread_mutex_init(&waiter->mutex, NULL);
    if (error != 0)
        pthread_cond_destroy(&waiter->cond);
    return -error;
}

/* There is no condition on the monotonic clock here, but a wait for a length of time. */
int waiter_sleep_until_ns(struct waiter *waiter, int64_t deadline_ns)
{
    int woken;

    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->woken) {
        int64_t left_ns = deadline_ns - clock_monotonic_ns();
        struct timespec left = {.tv_sec = (time_t)(left_ns / SECOND_NS),
                                .tv_nsec = (long)(left_ns % SECOND_NS)};

        if (left_ns <= 0)
            break;
        (void)pthread_cond_timedwait_relative_np(&waiter->cond, &waiter->mutex, &left);
    }
    woken = waiter->woken;
    pthread_mutex_unlock(&waiter->mutex);
    return woken;
}
