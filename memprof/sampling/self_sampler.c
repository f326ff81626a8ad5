#include "memprof/sampling/self_sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/family_reader.h"
#include "memprof/machine/hwm.h"
#include "memprof/machine/quiet_thread.h"
#include "memprof/machine/waiter.h"

#define MILLISECOND INT64_C(1000000)
#define SHORTEST_NS (MILLISECOND / 10)

/* The HWM is looked at within this time: somebody else may reset it. */
#define HWM_EVERY_NS (100 * MILLISECOND)

/* Readings of a peak are a 64th of the time that has passed apart. */
#define PEAK_SHARE 64

/* A joined thread is counted by the kernel for a moment more. */
#define GONE_TRIES 400
#define GONE_PAUSE_NS (MILLISECOND / 40)

struct self_sampler {
    struct usage_options options;
    struct mem_reader reader;
    struct family_reader family;
    pthread_mutex_t keeping; /* held for the samples */
    struct self_samples samples;
    struct self_sample peak; /* of peak_only, instead of them */
    size_t taken;
    int64_t start_ns, due_ns;
    int64_t hwm, hwm_due_ns; /* at the last look, -1: there was none */
    bool uses_hwm;
    bool adds_hwm;        /* as a reading of its own, above its neighbours by `doubt` */
    int64_t since, doubt; /* the largest reading since the last look */

    struct waiter control; /* woken: the thread is to end */
    struct waiter ready;   /* woken: the thread has taken the first reading */
    pthread_t thread;
    int has_thread, abandoned, stopped;
    int error; /* of the first reading */
};

/* Without memory for more, the newest readings are dropped. */
static void keep(struct self_sampler *sampler, struct self_sample sample)
{
    pthread_mutex_lock(&sampler->keeping);
    if (!sampler->options.peak_only)
        (void)self_samples_add(&sampler->samples, sample);
    else if (sampler->taken == 0 || sample.bytes > sampler->peak.bytes)
        sampler->peak = sample;
    pthread_mutex_unlock(&sampler->keeping);
}

/* How much of what is read is ours. */
static int64_t own_bytes(struct self_sampler *sampler)
{
    int64_t bytes;

    pthread_mutex_lock(&sampler->keeping);
    bytes = self_samples_resident(&sampler->samples);
    pthread_mutex_unlock(&sampler->keeping);
    return bytes;
}

/* In one piece: who takes the samples meanwhile shall find a reading whole. */
static void keep_with_children(struct self_sampler *sampler, struct self_sample sample)
{
    const struct family_reader *family = &sampler->family;

    pthread_mutex_lock(&sampler->keeping);
    (void)self_samples_add(&sampler->samples, sample);
    for (size_t i = 0; i < family->count; i++) {
        sample.child = family->members[i].id.pid;
        sample.bytes = family->members[i].bytes;
        (void)self_samples_add(&sampler->samples, sample);
    }
    pthread_mutex_unlock(&sampler->keeping);
}

static int read_sample(struct self_sampler *sampler, struct self_sample *sample)
{
    int64_t children = 0;
    int error;

    /* The program may have closed our descriptor since the last reading. */
    mem_reader_verify(&sampler->reader);
    error = mem_reader_read(&sampler->reader, &sample->bytes);
    if (error == 0 && (sampler->options.include_children || sampler->options.each_child))
        error = family_reader_read(&sampler->family, &children);
    if (error != 0)
        return error;
    if (sampler->options.include_children)
        sample->bytes += children;
    sample->bytes -= own_bytes(sampler);
    sample->wall_ns = clock_wall_ns();
    return 0;
}

/* The HWM, where a look is due and finds it risen; else a sample of no bytes. */
static struct self_sample risen_hwm(struct self_sampler *sampler)
{
    struct self_sample mark = {0};
    int64_t before = sampler->hwm, hwm;

    if (!sampler->adds_hwm || sampler->due_ns < sampler->hwm_due_ns ||
        mem_peak_read(getpid(), &hwm) != 0)
        return mark;
    sampler->hwm = hwm;
    sampler->hwm_due_ns = sampler->due_ns + HWM_EVERY_NS;
    if (before >= 0 && hwm > before)
        mark = (struct self_sample){.bytes = hwm - own_bytes(sampler), .wall_ns = clock_wall_ns()};
    return mark;
}

/* What rose and fell between two looks; what still grows is in the sample after it. */
static void keep_spike(struct self_sampler *sampler, struct self_sample mark, int64_t now)
{
    int64_t most = sampler->since > now ? sampler->since : now;

    if (mark.bytes > most + sampler->doubt)
        keep(sampler, mark);
    sampler->since = mark.bytes > 0 ? now : most;
}

static int take_sample(struct self_sampler *sampler)
{
    /* Before the sample, which steady growth then finds as high. */
    struct self_sample mark = risen_hwm(sampler), sample = {0};
    int error = read_sample(sampler, &sample);

    if (error != 0)
        return error;
    keep_spike(sampler, mark, sample.bytes);
    if (sampler->options.each_child)
        keep_with_children(sampler, sample);
    else
        keep(sampler, sample);
    sampler->taken++;
    return 0;
}

/* The HWM counts when it is higher than it was at the last look. */
static void look_at_hwm(struct self_sampler *sampler)
{
    int64_t hwm;

    if (!sampler->uses_hwm || mem_peak_read(getpid(), &hwm) != 0)
        return;
    if (sampler->hwm >= 0 && hwm > sampler->hwm)
        keep(sampler, (struct self_sample){.bytes = hwm, .wall_ns = clock_wall_ns()});
    sampler->hwm = hwm;
    sampler->hwm_due_ns = clock_monotonic_ns() + HWM_EVERY_NS;
}

static int64_t step_ns(const struct self_sampler *sampler, int64_t now_ns)
{
    int64_t step = sampler->options.interval_ns, share;

    if (!sampler->options.peak_only)
        return step;
    share = (now_ns - sampler->start_ns) / PEAK_SHARE;
    share = share < SHORTEST_NS ? SHORTEST_NS : share;
    return share < step ? share : step;
}

/* The next deadline after now: those that were missed are not made up for. */
static void advance(struct self_sampler *sampler)
{
    int64_t now_ns = clock_monotonic_ns(), step = step_ns(sampler, now_ns);

    sampler->due_ns += step;
    if (sampler->due_ns <= now_ns)
        sampler->due_ns += ((now_ns - sampler->due_ns) / step + 1) * step;
}

static bool is_over(const struct self_sampler *sampler)
{
    int64_t timeout_ns = sampler->options.timeout_ns;

    return timeout_ns > 0 && sampler->due_ns > sampler->start_ns + timeout_ns;
}

static void *run(void *context)
{
    struct self_sampler *sampler = context;

    /* Not after self_sampler_resume(): the thread is another one, the samples go on. */
    if (sampler->taken == 0) {
        sampler->error = take_sample(sampler);
        if (sampler->error == 0)
            look_at_hwm(sampler);
        sampler->start_ns = sampler->due_ns = clock_monotonic_ns();
        advance(sampler);
        waiter_wake(&sampler->ready);
    }
    while (sampler->error == 0 && !is_over(sampler)) {
        if (waiter_sleep_until_ns(&sampler->control, sampler->due_ns))
            break;
        (void)take_sample(sampler);
        if (sampler->due_ns >= sampler->hwm_due_ns)
            look_at_hwm(sampler);
        advance(sampler);
    }
    return NULL;
}

static int start_thread(struct self_sampler *sampler)
{
    int error = quiet_thread_start(&sampler->thread, run, sampler);

    sampler->has_thread = error == 0;
    return error;
}

static int init(struct self_sampler *sampler, const struct usage_options *options)
{
    int error;

    sampler->options = *options;
    if (sampler->options.interval_ns < SHORTEST_NS)
        sampler->options.interval_ns = SHORTEST_NS;
    sampler->hwm = -1;
    sampler->uses_hwm =
        options->peak_only && options->backend == MEM_RSS && !options->include_children;
    sampler->adds_hwm = !options->peak_only && !options->each_child && !options->include_children &&
                        options->backend == MEM_RSS;
    sampler->doubt = hwm_resolution() + mem_resolution();
    (void)family_reader_init(&sampler->family, 0, options->backend);
    error = mem_reader_init(&sampler->reader, 0, options->backend);
    if (error == 0)
        error = -pthread_mutex_init(&sampler->keeping, NULL);
    if (error == 0)
        error = waiter_init(&sampler->control);
    if (error == 0 && (error = waiter_init(&sampler->ready)) != 0)
        waiter_release(&sampler->control);
    if (error != 0)
        mem_reader_release(&sampler->reader);
    return error;
}

int self_sampler_start(struct self_sampler **result, const struct usage_options *options)
{
    struct self_sampler *sampler = calloc(1, sizeof *sampler);
    int error;

    *result = NULL;
    if (sampler == NULL)
        return -ENOMEM;
    error = init(sampler, options);
    if (error != 0) {
        free(sampler);
        return error;
    }
    error = start_thread(sampler);
    if (error == 0) {
        while (!waiter_sleep_until_ns(&sampler->ready, clock_monotonic_ns() + 100 * MILLISECOND))
            continue;
        error = sampler->error;
    }
    if (error == 0)
        *result = sampler;
    else
        self_sampler_free(sampler);
    return error;
}

/* Waits until the kernel has forgotten a thread that was joined. */
static void await_thread_gone(int before)
{
    for (int i = 0; i < GONE_TRIES && before > 0 && mem_thread_count() >= before; i++)
        (void)clock_sleep_until_ns(clock_monotonic_ns() + GONE_PAUSE_NS);
}

static void join_thread(struct self_sampler *sampler)
{
    if (!sampler->has_thread)
        return;
    waiter_wake(&sampler->control);
    pthread_join(sampler->thread, NULL);
    sampler->has_thread = 0;
}

void self_sampler_pause(struct self_sampler *sampler)
{
    int before = mem_thread_count();

    if (!sampler->has_thread)
        return;
    join_thread(sampler);
    await_thread_gone(before);
}

int self_sampler_resume(struct self_sampler *sampler)
{
    if (sampler->has_thread || sampler->abandoned || sampler->stopped)
        return 0;
    waiter_clear(&sampler->control);
    return start_thread(sampler);
}

void self_sampler_abandon(struct self_sampler *sampler)
{
    sampler->abandoned = 1;
    /* The HWM of a new process has nothing to do with the old one's. */
    sampler->uses_hwm = sampler->adds_hwm = 0;
}

int self_sampler_stop(struct self_sampler *sampler)
{
    int error;

    if (sampler->stopped)
        return 0;
    join_thread(sampler);
    sampler->stopped = 1;
    sampler->hwm_due_ns = sampler->due_ns;
    error = take_sample(sampler);
    look_at_hwm(sampler);
    return error;
}

struct self_sample *self_sampler_take(struct self_sampler *sampler, size_t *count)
{
    struct self_sample *samples;

    pthread_mutex_lock(&sampler->keeping);
    if (sampler->options.peak_only && sampler->taken > 0)
        (void)self_samples_add(&sampler->samples, sampler->peak);
    samples = self_samples_take(&sampler->samples, count);
    pthread_mutex_unlock(&sampler->keeping);
    return samples;
}

size_t self_sampler_taken(const struct self_sampler *sampler)
{
    return sampler->taken;
}

void self_sampler_free(struct self_sampler *sampler)
{
    if (sampler == NULL)
        return;
    join_thread(sampler);
    family_reader_release(&sampler->family);
    mem_reader_release(&sampler->reader);
    waiter_release(&sampler->control);
    waiter_release(&sampler->ready);
    pthread_mutex_destroy(&sampler->keeping);
    self_samples_release(&sampler->samples);
    free(sampler);
}
