#include "memprof/clock_rate.h"

#include "memprof/clock.h"

/* Over less than this the rate would be known to less than a thousandth. */
#define SHORTEST_NS 1000000

void clock_rate_start(struct clock_rate *rate)
{
    rate->ticks = clock_ticks();
    rate->monotonic_ns = clock_monotonic_ns();
}

double clock_rate_ns_per_tick(const struct clock_rate *rate)
{
    int64_t now_ns;

    do
        now_ns = clock_monotonic_ns();
    while (now_ns - rate->monotonic_ns < SHORTEST_NS);
    return (double)(now_ns - rate->monotonic_ns) / (double)(clock_ticks() - rate->ticks);
}
