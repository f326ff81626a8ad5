/* How long a tick of clock_ticks() is, found by comparing two clocks over a program's run. */
#ifndef MEMPROF_CLOCK_RATE_H
#define MEMPROF_CLOCK_RATE_H

#include <stdint.h>

/* Both clocks at one moment: the longer ago, the better the rate that is taken from it. */
struct clock_rate {
    uint64_t ticks;
    int64_t monotonic_ns; /* 0: not started */
    double known;         /* nanoseconds of a tick, once they are known well; else 0 */
};

void clock_rate_start(struct clock_rate *rate);

/*
 * Nanoseconds of a tick, from the start until now; waits until that is a millisecond. After a tenth
 * of a second the answer stays the same, so that a time is the same wherever it is shown.
 */
double clock_rate_ns_per_tick(struct clock_rate *rate);

#endif
