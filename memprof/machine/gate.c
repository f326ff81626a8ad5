#include "memprof/machine/gate.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memprof/machine/clock.h"

/* Of each kind of operation. All kinds together are a few thousand tries: about 3 ms. */
#define TRIES 400

/* The time of an operation that could not be tried: shortest() passes over it. */
#define NOTHING UINT64_MAX

/*
 * Outside these bounds the clock or the kernel is not what the gate was made for. Minima
 * that were measured lie between 600 and 1,500 ns.
 */
#define MIN_CREDIBLE_NS 100.0
#define MAX_CREDIBLE_NS 100000.0

void gate_off(struct gate *gate, const char *why)
{
    gate->ticks = 0;
    /* With a bound of 0 the source is verified at every reading, see meter_read_now(). */
    gate->stale_ticks = 0;
    gate->ticks_per_second = 0;
    gate->why_off = why;
}

static uint64_t shortest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t time_of_touch(volatile char *page)
{
    uint64_t start = clock_ticks();

    *page = 1;
    return clock_ticks() - start;
}

/* The shortest fault and the shortest release of a page, over mappings of the given kind. */
static uint64_t cheapest_of_mapping(int flags, int file)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = TRIES * page;
    uint64_t best = NOTHING, start;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);

    if (block == MAP_FAILED)
        return NOTHING;
#ifdef MADV_NOHUGEPAGE
    madvise(block, size, MADV_NOHUGEPAGE); /* one fault a page, not one for 512 */
#endif
    for (size_t at = 0; at < size; at += page)
        best = shortest(best, time_of_touch(block + at));
    /* There are two ways to give a page back. Each is timed on one half of the block. */
    for (size_t at = 0; at < size / 2; at += page) {
        start = clock_ticks();
        madvise(block + at, page, MADV_DONTNEED);
        best = shortest(best, clock_ticks() - start);
    }
    for (size_t at = size / 2; at < size; at += page) {
        start = clock_ticks();
        munmap(block + at, page);
        best = shortest(best, clock_ticks() - start);
    }
    munmap(block, size / 2);
    return best;
}

/*
 * The shortest fault that only maps what the page cache holds. The kernel maps the neighbours of a
 * page with it, so each try takes the whole mapping away and looks at its first page.
 */
static uint64_t cheapest_look(int file, size_t size)
{
    uint64_t best = NOTHING, start;
    volatile char *block = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);

    if (block == MAP_FAILED)
        return NOTHING;
    for (int i = 0; i < TRIES; i++) {
        madvise((void *)(uintptr_t)block, size, MADV_DONTNEED);
        start = clock_ticks();
        (void)*block;
        best = shortest(best, clock_ticks() - start);
    }
    munmap((void *)(uintptr_t)block, size);
    return best;
}

/* Page cache: an unlinked file of one's own in memory. */
static uint64_t cheapest_of_file(void)
{
    char name[] = "/dev/shm/memprof-gate-XXXXXX";
    size_t size = TRIES * (size_t)sysconf(_SC_PAGESIZE);
    uint64_t best = NOTHING;
    int file = mkstemp(name);

    if (file < 0)
        return NOTHING;
    unlink(name);
    if (ftruncate(file, (off_t)size) == 0) {
        best = cheapest_of_mapping(MAP_SHARED, file);
        best = shortest(best, cheapest_look(file, (size_t)sysconf(_SC_PAGESIZE)));
    }
    close(file);
    return best;
}

void gate_calibrate(struct gate *gate)
{
    uint64_t best;
    double nanoseconds;

    if (!clock_ticks_are_steady()) {
        gate_off(gate, "the processor's counter is not steady");
        return;
    }
    gate->ticks_per_second = clock_ticks_per_second(500000);
    best = cheapest_of_mapping(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    best = shortest(best, cheapest_of_mapping(MAP_SHARED | MAP_ANONYMOUS, -1));
    best = shortest(best, cheapest_of_file());
    nanoseconds = (double)best * 1e9 / gate->ticks_per_second;
    if (best == NOTHING || nanoseconds < MIN_CREDIBLE_NS || nanoseconds > MAX_CREDIBLE_NS) {
        gate_off(gate, "the time of a page fault could not be measured");
        return;
    }
    /* Half: the minimum of some tries is no proof, and a faster operation must not be missed. */
    gate->ticks = best / 2;
    /* 1 ms: what other threads and the kernel changed meanwhile is noticed that soon. */
    gate->stale_ticks = (uint64_t)(gate->ticks_per_second / 1000);
    gate->why_off = NULL;
}

void gate_learn(struct gate *gate, uint64_t gap)
{
    /* It never widens. Again half, since the change may have taken less than the whole gap. */
    if (gap / 2 < gate->ticks)
        gate->ticks = gap / 2;
}

double gate_nanoseconds(const struct gate *gate)
{
    return gate->ticks == 0 ? 0 : (double)gate->ticks * 1e9 / gate->ticks_per_second;
}
