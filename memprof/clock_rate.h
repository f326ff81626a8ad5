/* How long a tick of clock_ticks() is, found by comparing two clocks over a program's run. */
#ifndef MEMPROF_CLOCK_RATE_H
#define MEMPROF_CLOCK_RATE_H

#include <stdint.h>

/* Both clocks at one moment: the longer ago, the better the rate that is taken from it. */
struct clock_rate {
    uint64_t ticks;
    int64_t monotonic_ns; /* 0: not started */
};

void clock_rate_start(struct clock_rate *rate);

/* Nanoseconds of a tick, from the start until now; waits until that is a millisecond. */
double clock_rate_ns_per_tick(const struct clock_rate *rate);

#endif
