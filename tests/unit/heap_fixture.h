/* For tests of memprof/heap: numbers that are the same in each run, pages that can be refused. */
#ifndef HEAP_FIXTURE_H
#define HEAP_FIXTURE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>

static uint64_t random_state;

static inline void random_seed(uint64_t seed)
{
    random_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

/* Below `limit`. */
static inline size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state >> 11) % limit;
}

/* How many mappings the core still gets; negative: all that it asks for. */
static int maps_left = -1;

/* Called once, in the midst of the next mapping: what another thread may do then. */
static void (*while_mapping)(void);

void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);

/* The linker leads the mmap() of the core here. */
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    void (*meanwhile)(void) = while_mapping;

    if (meanwhile != NULL) {
        while_mapping = NULL;
        meanwhile();
    }
    if (maps_left == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if (maps_left > 0)
        maps_left--;
    return __real_mmap(address, bytes, protection, flags, file, offset);
}

static inline bool holds_one(unsigned long low, unsigned long high, void *const *starts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((uintptr_t)starts[i] >= low && (uintptr_t)starts[i] < high)
            return true;
    return false;
}

/*
 * Bytes that are resident of the mappings that begin at these addresses, and of those that the
 * system has made one with them (what is only read is not). mincore() would count what was read.
 */
static inline size_t resident_of(void *const *starts, size_t n)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    unsigned long low, high, resident;
    size_t bytes = 0;
    bool is_ours = false;
    char line[512];

    if (maps == NULL)
        abort();
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            is_ours = holds_one(low, high, starts, n);
        else if (is_ours && sscanf(line, "Rss: %lu kB", &resident) == 1)
            bytes += resident * 1024;
    }
    fclose(maps);
    return bytes;
}

#endif
