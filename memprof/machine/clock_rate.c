#include "memprof/machine/clock_rate.h"

#include "memprof/machine/clock.h"

/* Over less than this the rate would be known to less than a thousandth. */
#define SHORTEST_NS 1000000

/* Over this it is known to better than a millionth. */
#define LONG_ENOUGH_NS 100000000

void clock_rate_start(struct clock_rate *rate)
{
    rate->ticks = clock_ticks();
    rate->monotonic_ns = clock_monotonic_ns();
    rate->known = 0;
}

double clock_rate_ns_per_tick(struct clock_rate *rate)
{
    int64_t now_ns;
    double ns_per_tick;

    if (rate->known > 0)
        return rate->known;
    do
        now_ns = clock_monotonic_ns();
    while (now_ns - rate->monotonic_ns < SHORTEST_NS);
    ns_per_tick = (double)(now_ns - rate->monotonic_ns) / (double)(clock_ticks() - rate->ticks);
    if (now_ns - rate->monotonic_ns >= LONG_ENOUGH_NS)
        rate->known = ns_per_tick;
    return ns_per_tick;
}
