/* The clocks: when things happen, and the cheap ticks of the hot path. */
#ifndef MEMPROF_CLOCK_H
#define MEMPROF_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#elif !defined(__aarch64__)
#include <time.h>
#endif

/* Nanoseconds of the monotonic clock (never steps; its zero is arbitrary). */
int64_t clock_monotonic_ns(void);

/* Nanoseconds since the Unix epoch (may step when the machine's clock is set). */
int64_t clock_wall_ns(void);

/* Sleep until clock_monotonic_ns() reaches `deadline_ns`. 0, or -EINTR when a signal came first. */
int clock_sleep_until_ns(int64_t deadline_ns);

/*
 * A counter that advances at a constant rate, read in a few nanoseconds. Subtract as unsigned: a
 * step back then looks like a very long time, which is the safe direction for the gate.
 */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/* Whether clock_ticks() runs at one rate on every core and in every power state. */
bool clock_ticks_are_steady(void);

/* Ticks per second, measured against the monotonic clock for about `measure_ns` nanoseconds. */
double clock_ticks_per_second(int64_t measure_ns);

#endif
