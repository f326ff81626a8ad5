/* libFuzzer: whatever the bytes, reading them ends, its numbers are finite, the counts add up. */
#include "fuzz.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/open_spans.h"
#include "memprof/profile/profile_peak.h"

static void check_samples(const struct profile_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        check(isfinite(samples->at[i].memory) && isfinite(samples->at[i].moment));
        check(i == 0 || samples->at[i - 1].moment <= samples->at[i].moment);
    }
}

static void check_types(const struct type_history *types)
{
    check(types->count <= TYPES_KEPT && types->n_points <= TYPE_POINTS);
    check(types->count == 0 || types->moments[types->n_points - 1] == types->last);
    for (size_t i = 0; i < types->count; i++) {
        const struct type_series *type = &types->at[i];

        check(type->least <= type->last.bytes && type->last.bytes <= type->most);
        check(type->n_points <= types->n_points);
        check(!type_series_is_told(types, type) ||
              type_series_at(type, types->n_points - 1) == type->last.bytes);
    }
}

static void check_spans(const struct profile *profile)
{
    for (size_t i = 0; i < profile->n_spans; i++) {
        const struct profile_span *span = &profile->spans[i];

        check(isfinite(span->begin) && isfinite(span->end));
        check(isfinite(span->memory_begin) && isfinite(span->memory_end));
        check(i == 0 || profile->spans[i - 1].begin <= span->begin);
        check(strpbrk(span->name, "\n") == NULL);
    }
}

static void check_peaks(struct profile *whole, struct profile *largest)
{
    struct profile_sample left, right;
    int error = profile_peak_root(whole, &left);

    check(profile_peak_root(largest, &right) == error);
    check(error != 0 || left.memory == right.memory);
    for (size_t i = 0; i < whole->n_spans; i++)
        check(profile_peak_function(whole, whole->spans[i].name, &left) == 0);
    check(whole->n_processes == largest->n_processes);
    for (size_t i = 0; i < whole->n_processes; i++) {
        error = profile_peak_process(whole, &whole->processes[i], &left);
        check(profile_peak_process(largest, &largest->processes[i], &right) == error);
        check(error != 0 || left.memory == right.memory);
    }
}

static void check_ending(const struct run_ending *ending)
{
    check(isfinite(ending->moment) && isfinite(ending->kill_moment));
    check(ending->number >= 0 && ending->number <= 255);
    check(ending->kills >= 0 && ending->limit >= 0);
    check(!run_ending_by_kernel(ending) || (ending->by_signal && ending->kills > 0));
}

static bool is_among(const struct open_spans *open, const struct profile_span *span)
{
    for (size_t i = 0; i < open->count; i++)
        if (open->spans[i].begin == span->begin && open->spans[i].level == span->level &&
            strcmp(open->spans[i].name, span->name) == 0)
            return true;
    return false;
}

/* What has no end anywhere has none behind it either. */
static void check_open(int fd, const struct profile *profile)
{
    struct open_spans open;

    check(open_spans_read(fd, &open) == 0);
    for (size_t i = 0; i < profile->n_spans; i++)
        check(!profile->spans[i].open || is_among(&open, &profile->spans[i]));
    for (size_t i = 1; i < open.count; i++)
        check(open.spans[i - 1].begin >= open.spans[i].begin);
    open_spans_release(&open);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    int fd = fuzz_file(bytes, length);
    struct profile whole, largest;

    check(dat_read(fd, &whole) == 0);
    lseek(fd, 0, SEEK_SET);
    check(dat_read_largest(fd, &largest) == 0);
    lseek(fd, 0, SEEK_SET);
    check_open(fd, &whole);
    close(fd);
    check_ending(&whole.ending);
    check(whole.lines == largest.lines && whole.broken == largest.broken);
    check_samples(&whole.samples);
    for (size_t i = 0; i < whole.n_processes; i++) {
        check_samples(&whole.processes[i].samples);
        check_samples(&whole.processes[i].peaks);
        check_samples(&whole.processes[i].spikes);
        check_types(&whole.processes[i].types);
    }
    check_spans(&whole);
    check_peaks(&whole, &largest);
    profile_release(&whole);
    profile_release(&largest);
    return 0;
}
