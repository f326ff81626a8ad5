#include "memprof/profile/profile_peak.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Less than any memory. */
#define NOTHING                                                                                    \
    (struct profile_sample)                                                                        \
    {                                                                                              \
        -INFINITY, 0                                                                               \
    }

static void raise_to(struct profile_sample *peak, double memory, double moment)
{
    if (memory > peak->memory)
        *peak = (struct profile_sample){memory, moment};
}

static void raise_to_samples(struct profile_sample *peak, const struct profile_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        raise_to(peak, samples->at[i].memory, samples->at[i].moment);
}

static void raise_to_span(struct profile_sample *peak, const struct profile_span *span)
{
    raise_to(peak, span->memory_begin, span->begin);
    raise_to(peak, span->memory_end, span->end);
}

static int answer(const struct profile_sample *peak)
{
    return peak->memory == -INFINITY ? -ENODATA : 0;
}

/* Files without RUN do not name the root: there it is who has HWMs and is no descendant. */
static bool is_root(const struct profile *profile, const struct profile_process *process)
{
    return process->is_root || (profile->n_runs == 0 && process->samples.count == 0);
}

/* Marked calls read the resident set. */
static bool is_resident(const struct profile *profile)
{
    for (size_t i = 0; i < profile->n_runs; i++)
        if (strcmp(profile->runs[i].backend, "rss") != 0)
            return 0;
    return 1;
}

static int raise_to_hwms(const struct profile *profile, struct profile_sample *peak)
{
    int has_hwm = 0;

    for (size_t i = 0; i < profile->n_processes; i++) {
        const struct profile_process *process = &profile->processes[i];

        if (!is_root(profile, process))
            continue;
        has_hwm |= process->peaks.count > 0;
        raise_to_samples(peak, &process->peaks);
        raise_to_samples(peak, &process->spikes);
    }
    return has_hwm;
}

int profile_peak_root(const struct profile *profile, struct profile_sample *peak)
{
    bool sum = profile->is_sum;
    int has_hwm = 0;

    *peak = NOTHING;
    raise_to_samples(peak, &profile->samples);
    if (!sum || peak->memory == -INFINITY)
        has_hwm = raise_to_hwms(profile, peak);
    if (peak->memory == -INFINITY ||
        (!has_hwm && !sum && !profile->has_each && is_resident(profile)))
        for (size_t i = 0; i < profile->n_spans; i++)
            raise_to_span(peak, &profile->spans[i]);
    return answer(peak);
}

int profile_peak_process(const struct profile *profile, const struct profile_process *process,
                         struct profile_sample *peak)
{
    *peak = NOTHING;
    if ((!is_root(profile, process) || process->samples.count > 0) && profile->has_each) {
        raise_to_samples(peak, &process->samples);
        raise_to_samples(peak, &process->peaks);
        raise_to_samples(peak, &process->spikes);
    }
    return answer(peak);
}

int profile_peak_sum(const struct profile *profile, struct profile_sample *peak)
{
    struct profile_sample root;

    if (profile->sum_children == 0 || profile->is_sum)
        return -ENODATA;
    *peak = profile->sum_peak;
    /* No sum is less than a part of it, which a HWM may know better. */
    if (profile_peak_root(profile, &root) == 0 && root.memory > peak->memory)
        *peak = root;
    return 0;
}

int profile_peak_alone(const struct profile *profile, struct profile_sample *peak)
{
    bool has_children = false;

    *peak = NOTHING;
    for (size_t i = 0; i < profile->n_processes; i++)
        has_children |= !is_root(profile, &profile->processes[i]);
    if (!profile->is_sum || !has_children)
        return -ENODATA;
    raise_to_hwms(profile, peak);
    return answer(peak);
}

/* The spans of one name, passed through in the order of their begins. */
struct sweep {
    const struct profile *profile;
    const char *name;
    size_t next;
    double reach; /* how far those that have begun reach */
};

/* Whether one span holds both moments; `from` never goes back. */
static int covers(struct sweep *sweep, double from, double to)
{
    for (; sweep->next < sweep->profile->n_spans; sweep->next++) {
        const struct profile_span *span = &sweep->profile->spans[sweep->next];
        /* A span without an end was open when the recording ended. */
        double end = span->open ? INFINITY : span->end;

        if (span->begin > from)
            break;
        if (strcmp(span->name, sweep->name) == 0 && end > sweep->reach)
            sweep->reach = end;
    }
    /* The span that reaches farthest has begun at or before `from`: if it reaches `to`, it holds
     * both. */
    return sweep->reach >= to;
}

/* A spike lies somewhere between the reading before and its own: both must be inside. */
static void raise_to_spikes(const struct profile *profile, const char *name,
                            const struct profile_samples *spikes, struct profile_sample *peak)
{
    struct sweep sweep = {profile, name, 0, -INFINITY};

    /* From the second on: before the first spike there is no reading. */
    for (size_t i = 1; i < spikes->count; i++)
        if (covers(&sweep, spikes->at[i - 1].moment, spikes->at[i].moment))
            raise_to(peak, spikes->at[i].memory, spikes->at[i].moment);
}

int profile_peak_function(const struct profile *profile, const char *name,
                          struct profile_sample *peak)
{
    struct sweep sweep = {profile, name, 0, -INFINITY};

    *peak = NOTHING;
    for (size_t i = 0; i < profile->n_spans; i++)
        if (strcmp(profile->spans[i].name, name) == 0)
            raise_to_span(peak, &profile->spans[i]);
    if (peak->memory == -INFINITY)
        return -ENOENT;
    for (size_t i = 0; i < profile->samples.count; i++)
        if (covers(&sweep, profile->samples.at[i].moment, profile->samples.at[i].moment))
            raise_to(peak, profile->samples.at[i].memory, profile->samples.at[i].moment);
    /* A spike of one process cannot be compared with sums over several. */
    for (size_t i = 0; i < profile->n_processes && !profile->is_sum; i++)
        if (is_root(profile, &profile->processes[i]))
            raise_to_spikes(profile, name, &profile->processes[i].spikes, peak);
    return 0;
}
