#include "memprof/machine/clock.h"

#include <stdbool.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

int64_t clock_wall_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool clock_ticks_are_steady(void)
{
#if defined(__x86_64__)
    unsigned int eax, ebx, ecx, edx;

    /* CPUID 80000007h, EDX bit 8: invariant TSC. */
    return __get_cpuid(0x80000007u, &eax, &ebx, &ecx, &edx) && (edx & (1u << 8)) != 0;
#else
    /* The timer of aarch64 and CLOCK_MONOTONIC have one rate by definition. */
    return 1;
#endif
}

double clock_ticks_per_second(int64_t measure_ns)
{
    int64_t start_ns = clock_monotonic_ns(), now_ns;
    uint64_t start = clock_ticks();

    do
        now_ns = clock_monotonic_ns();
    while (now_ns - start_ns < measure_ns);
    return (double)(clock_ticks() - start) * 1e9 / (double)(now_ns - start_ns);
}
