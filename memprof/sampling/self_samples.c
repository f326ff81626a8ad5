#include "memprof/sampling/self_samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Small enough that no huge page is made of it. */
#define CHUNK_BYTES ((size_t)256 << 10)

struct self_chunk {
    struct self_chunk *next;
    size_t count;
    struct self_sample samples[];
};

#define PER_CHUNK ((CHUNK_BYTES - sizeof(struct self_chunk)) / sizeof(struct self_sample))

static int add_chunk(struct self_samples *samples)
{
    struct self_chunk *chunk =
        mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (chunk == MAP_FAILED)
        return -ENOMEM;
    if (samples->last == NULL) {
        samples->first = chunk;
    } else {
        samples->last->next = chunk;
        samples->full_bytes += CHUNK_BYTES;
    }
    samples->last = chunk;
    return 0;
}

int self_samples_add(struct self_samples *samples, struct self_sample sample)
{
    int error = 0;

    if (samples->last == NULL || samples->last->count == PER_CHUNK)
        error = add_chunk(samples);
    if (error != 0)
        return error;
    samples->last->samples[samples->last->count++] = sample;
    samples->count++;
    return 0;
}

int64_t self_samples_resident(const struct self_samples *samples)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used;

    if (samples->last == NULL)
        return 0;
    /* A page is resident once it is written to: of the last chunk only what is used counts. */
    used = sizeof *samples->last + samples->last->count * sizeof *samples->last->samples;
    return (int64_t)(samples->full_bytes + (used + page - 1) / page * page);
}

struct self_sample *self_samples_take(struct self_samples *samples, size_t *count)
{
    struct self_sample *taken, *end;

    *count = samples->count;
    if (samples->count == 0)
        return NULL;
    end = taken = malloc(samples->count * sizeof *taken);
    if (taken == NULL)
        return NULL;
    for (struct self_chunk *chunk = samples->first; chunk != NULL; chunk = chunk->next) {
        memcpy(end, chunk->samples, chunk->count * sizeof *end);
        end += chunk->count;
    }
    self_samples_release(samples);
    return taken;
}

void self_samples_release(struct self_samples *samples)
{
    for (struct self_chunk *chunk = samples->first, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        munmap(chunk, CHUNK_BYTES);
    }
    memset(samples, 0, sizeof *samples);
}
