/*
 * Samples the memory of this process from a thread of its own while the program runs. The thread
 * knows nothing of Python: it samples whoever holds whatever lock.
 *
 * A first reading is taken before self_sampler_start() returns and a last one in
 * self_sampler_stop(). Between them readings stand at absolute deadlines; one that has passed is
 * skipped. For MEM_RSS without children there is another reading where the kernel's high-water mark
 * (HWM) has risen above both its neighbours, by more than the two can be wrong; it stands where
 * that was noticed. With `peak_only` only the largest reading is kept, and includes the HWM, if it
 * rose meanwhile. It is never reset. Readings are then closer together at the start: 0.1 ms, and a
 * 64th of the time that has passed.
 *
 * What the samples themselves take is not in the readings.
 *
 * All functions but self_sampler_take() are for one thread at a time. Bytes and nanoseconds; 0 or
 * -errno.
 */
#ifndef MEMPROF_SELF_SAMPLER_H
#define MEMPROF_SELF_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/sampling/self_samples.h"

struct usage_options {
    enum mem_backend backend;
    int64_t interval_ns;  /* below 0.1 ms it is 0.1 ms */
    int64_t timeout_ns;   /* no readings after it, but the last; 0: no limit */
    int include_children; /* descendants are added to the readings */
    int each_child;       /* and each is a sample of its own, behind that of the process */
    int peak_only;        /* goes without each_child */
};

struct self_sampler;

/* Takes the first reading and starts the thread. *sampler is for self_sampler_free(). */
int self_sampler_start(struct self_sampler **sampler, const struct usage_options *options);

/*
 * Before and after a fork: joins the thread, so that the process has none of ours, and starts it
 * again. In the child self_sampler_abandon() says that there is no more thread to start.
 */
void self_sampler_pause(struct self_sampler *sampler);
int self_sampler_resume(struct self_sampler *sampler);
void self_sampler_abandon(struct self_sampler *sampler);

/* Joins the thread and takes the last reading. Later calls do nothing. */
int self_sampler_stop(struct self_sampler *sampler);

/*
 * Hands over the samples since the last call, as self_samples_take() does. May be called from any
 * thread while the sampler runs; with peak_only only after the stop.
 */
struct self_sample *self_sampler_take(struct self_sampler *sampler, size_t *count);

/* How many readings were taken. */
size_t self_sampler_taken(const struct self_sampler *sampler);

/* Stops it where it still runs. NULL is nothing. */
void self_sampler_free(struct self_sampler *sampler);

#endif
