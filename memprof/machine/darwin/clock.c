#include "memprof/machine/clock.h"

#include <errno.h>
#include <time.h>

int64_t clock_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* There is no absolute sleep here: sleep for what is left, and again if that was too short. */
int clock_sleep_until_ns(int64_t deadline_ns)
{
    int64_t left_ns;

    while ((left_ns = deadline_ns - clock_monotonic_ns()) > 0) {
        struct timespec left = {
            .tv_sec = (time_t)(left_ns / 1000000000),
            .tv_nsec = (long)(left_ns % 1000000000),
        };

        if (nanosleep(&left, NULL) != 0)
            return -errno;
    }
    return 0;
}
