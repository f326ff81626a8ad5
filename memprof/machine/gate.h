/*
 * The gate: do not ask the kernel when the answer cannot have changed.
 *
 * Memory of a thread's own doing cannot change in less time than the cheapest page fault, madvise
 * or munmap takes. Events that follow each other faster than half that time need no reading.
 * Ticks are those of clock_ticks().
 */
#ifndef MEMPROF_GATE_H
#define MEMPROF_GATE_H

#include <stdint.h>

struct gate {
    uint64_t ticks;       /* events closer than this are not read; 0: every event is read */
    uint64_t stale_ticks; /* a reading older than this is not trusted (1 ms) */
    double ticks_per_second;
    const char *why_off; /* NULL while the gate is on */
};

/* A closed gate: every event is read. `why` is shown to users and must outlive the gate. */
void gate_off(struct gate *gate, const char *why);

/*
 * Measures the cheapest operations that change RSS (about 3 ms) and sets the gate to half of it.
 * Stays off, with a reason, where the clock is too coarse or the measure makes no sense.
 */
void gate_calibrate(struct gate *gate);

/* RSS was seen to change between two events `gap` ticks apart: the gate must lie below that. */
void gate_learn(struct gate *gate, uint64_t gap);

double gate_nanoseconds(const struct gate *gate);

#endif
