/*
 * The gate: do not ask the kernel when the answer cannot have changed.
 *
 * Memory of a thread's own doing cannot change in less time than the cheapest page fault, madvise
 * or munmap takes. The gate is half that time. An event that comes within the gate, counted from
 * the event before, is skipped: memory is what it was then. One outside it is read.
 *
 * A gate is on or off; off, every event is read. It has a width, and only ever narrows: a change
 * that was found within it, a gate miss, shows that it was too wide. Ticks are those of
 * clock_ticks().
 */
#ifndef MEMPROF_GATE_H
#define MEMPROF_GATE_H

#include <stdint.h>

struct gate {
    uint64_t ticks;       /* its width; 0: it is off */
    uint64_t stale_ticks; /* a reading older than this is not trusted (1 ms) */
    double ticks_per_second;
    const char *why_off; /* NULL while the gate is on */
};

/* Switches it off. `why` is shown to users and must outlive the gate. */
void gate_off(struct gate *gate, const char *why);

/*
 * Measures the cheapest operations that change RSS (about 3 ms) and makes the gate half as wide.
 * Stays off, with a reason, where the clock is too coarse or the measure makes no sense.
 */
void gate_calibrate(struct gate *gate);

/* RSS was seen to change between two events `gap` ticks apart: the gate narrows below that. */
void gate_learn(struct gate *gate, uint64_t gap);

/* Its width; 0: it is off. */
double gate_nanoseconds(const struct gate *gate);

#endif
