#include "memprof/profile/dat_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By how much rounding can move a moment. */
#define HALF_A_MOMENT 0.00005

/* What dat_read() hands to its visitor. */
struct reading {
    struct profile *profile;
    int only_largest;
    const struct sample_window *window; /* of a thinned reading, from the first sample; else NULL */
    struct sample_window moments;       /* the same in moments, once that sample is known */
    bool has_moments;
    struct round { /* a sample, and those of the children that follow it */
        double memory, moment, children;
        size_t n_children;
        uint64_t number;
        bool is_none; /* lines may stand in any order: a child stands in it twice, or before it */
    } round;
    bool begins; /* the next sample is the first of a run */
};

/* The window begins to count at the first sample of the run. */
static const struct sample_window *window_of(struct reading *reading,
                                             const struct dat_record *record)
{
    if (!reading->has_moments) {
        reading->moments.begin = record->moment + reading->window->begin;
        reading->moments.end = record->moment + reading->window->end;
        reading->has_moments = 1;
    }
    return &reading->moments;
}

static int add_sample(struct reading *reading, struct profile_samples *samples,
                      const struct dat_record *record)
{
    if (reading->window != NULL)
        return sample_buckets_add(samples, window_of(reading, record), record->memory,
                                  record->moment);
    if (!reading->only_largest || samples->count == 0)
        return profile_samples_add(samples, record->memory, record->moment);
    if (record->memory > samples->at[0].memory)
        samples->at[0] = (struct profile_sample){record->memory, record->moment};
    return 0;
}

/*
 * A sum is not what the children are to be added to. A file of memory_profiler does not say which
 * it is.
 */
static bool can_be_added(const struct profile *profile)
{
    return profile->n_runs > 0 && !profile->runs[profile->n_runs - 1].sum;
}

static void end_round(struct reading *reading)
{
    struct profile *profile = reading->profile;
    const struct round *round = &reading->round;
    double memory = round->memory + round->children;

    if (round->n_children == 0 || round->is_none || !can_be_added(profile))
        return;
    if (profile->sum_children == 0 || memory > profile->sum_peak.memory)
        profile->sum_peak = (struct profile_sample){memory, round->moment};
    if (round->n_children > profile->sum_children)
        profile->sum_children = round->n_children;
}

static int begin_round(struct reading *reading, const struct dat_record *record)
{
    bool begins = reading->begins;

    end_round(reading);
    if (record->moment > reading->profile->last_moment)
        reading->profile->last_moment = record->moment;
    reading->begins = false;
    reading->round = (struct round){
        .memory = record->memory, .moment = record->moment, .number = reading->round.number + 1};
    return begins ? profile_notes_add(&reading->profile->starts, 0, record->moment) : 0;
}

static void add_to_round(struct reading *reading, const struct dat_record *record,
                         struct profile_process *process)
{
    struct round *round = &reading->round;

    round->is_none |= round->number == 0 || process->round == round->number ||
                      record->moment < round->moment - HALF_A_MOMENT;
    process->round = round->number;
    round->children += record->memory;
    round->n_children++;
}

static int add_child(struct reading *reading, const struct dat_record *record)
{
    struct profile_process *process = profile_process(reading->profile, record->pid);
    struct profile_samples *samples;

    if (process == NULL)
        return -ENOMEM;
    if (record->kind == DAT_CHLD)
        add_to_round(reading, record, process);
    samples = record->kind == DAT_CHLD   ? &process->samples
              : record->kind == DAT_PEAK ? &process->peaks
                                         : &process->spikes;
    return add_sample(reading, samples, record);
}

static double most_memory(const struct profile_span *span)
{
    return span->memory_begin > span->memory_end ? span->memory_begin : span->memory_end;
}

static int add_span(const struct reading *reading, const struct dat_record *record)
{
    struct profile *profile = reading->profile;
    int open = record->kind == DAT_BEGIN;
    struct profile_span span = {
        .begin = record->moment,
        .end = open ? record->moment : record->moment_end,
        .memory_begin = record->memory,
        .memory_end = open ? record->memory : record->memory_end,
        .level = record->level,
        .open = open,
    };

    if (reading->only_largest && profile->n_spans > 0) {
        if (most_memory(&span) <= most_memory(&profile->spans[0]))
            return 0;
        /* The one span that is kept makes room for a larger one. */
        profile->n_spans = 0;
    }
    /* Names are not kept then: there may be as many as lines. */
    span.name = reading->only_largest ? "" : profile_name(profile, record->text, record->length);
    return span.name == NULL ? -ENOMEM : profile_span_add(profile, &span);
}

static bool ends_word(char c)
{
    return c == '+' || c == '/' || c == ' ';
}

/* Whether `word` is one of those joined by '+' behind the backend. */
static bool has_word(const struct dat_record *record, const char *word)
{
    size_t length = strlen(word), begin = 0;

    for (size_t i = 0; i <= record->length; i++)
        if (i == record->length || ends_word(record->text[i])) {
            if (i - begin == length && memcmp(record->text + begin, word, length) == 0)
                return 1;
            begin = i + 1;
        }
    return 0;
}

static const char *const limit_names[PROFILE_LIMITS] = {
    [PROFILE_CGROUP] = "cgroup", [PROFILE_ADDRESS] = "address"};

/* Those of later versions are passed over; what was so already is nothing new. */
static int add_limit(struct profile *profile, const struct dat_record *record)
{
    double mebibytes = (double)record->limit / (1 << 20);

    for (size_t i = 0; i < PROFILE_LIMITS; i++) {
        struct profile_notes *notes = &profile->limits[i];
        double before = notes->count == 0 ? 0 : notes->at[notes->count - 1].value;

        if (has_word(record, limit_names[i]) && mebibytes != before)
            return profile_notes_add(notes, mebibytes, record->moment);
    }
    return 0;
}

/* What holds for one run does not for the next. */
static int end_limits(struct profile *profile, double moment)
{
    int error = 0;

    for (size_t i = 0; i < PROFILE_LIMITS && error == 0; i++) {
        struct profile_notes *notes = &profile->limits[i];

        if (notes->count > 0 && notes->at[notes->count - 1].value > 0)
            error = profile_notes_add(notes, 0, moment);
    }
    return error;
}

static int add_parts(struct reading *reading, const struct dat_record *record)
{
    struct dat_record part = *record;
    int error = 0;

    /* Their sum is not what is looked for there. */
    if (reading->only_largest)
        return 0;
    for (size_t i = 0; i < PROFILE_PARTS && error == 0; i++) {
        part.memory = record->parts[i];
        error = add_sample(reading, &reading->profile->parts[i], &part);
    }
    return error;
}

static int add_run(struct profile *profile, const struct dat_record *record)
{
    size_t length = 0;
    struct profile_run run = {
        .pid = record->pid,
        .interval = record->value,
        .moment = record->moment,
        .sum = has_word(record, "sum"),
        .each = has_word(record, "each"),
        .attached = has_word(record, "attach"),
    };

    while (length < record->length && !ends_word(record->text[length]))
        length++;
    run.backend = profile_name(profile, record->text, length);
    if (run.backend == NULL || end_limits(profile, record->moment) != 0)
        return -ENOMEM;
    return profile_run_add(profile, &run);
}

static void add_end(struct profile *profile, const struct dat_record *record)
{
    /* Its words are "exit" and "signal". */
    run_ending_set(&profile->ending, record->length == strlen("signal"), (int)record->value,
                   record->moment);
}

/* What is no sample and no call. */
static int add_event(struct profile *profile, const struct dat_record *record)
{
    if (record->kind == DAT_LIMIT)
        return add_limit(profile, record);
    if (record->kind == DAT_STEP)
        return profile_notes_add(&profile->steps, record->value, record->moment);
    if (record->kind == DAT_MISSED)
        return profile_notes_add(&profile->missed, record->value, record->moment);
    if (record->kind == DAT_END)
        add_end(profile, record);
    else
        run_ending_add_kills(&profile->ending, (int64_t)record->value, record->limit,
                             record->moment);
    return 0;
}

static int add_record(void *context, const struct dat_record *record)
{
    struct reading *reading = context;
    struct profile *profile = reading->profile;
    int error;

    switch (record->kind) {
    case DAT_MEM:
        error = begin_round(reading, record);
        return error != 0 ? error : add_sample(reading, &profile->samples, record);
    case DAT_CHLD:
    case DAT_PEAK:
    case DAT_SPIKE:
        return add_child(reading, record);
    case DAT_FUNC:
    case DAT_BEGIN:
        return add_span(reading, record);
    case DAT_CMDLINE:
        reading->begins = true;
        return profile_command_line(profile, record->text, record->length);
    case DAT_RUN:
        profile->ending = (struct run_ending){0};
        reading->begins = true;
        return add_run(profile, record);
    case DAT_PARTS:
        return add_parts(reading, record);
    case DAT_TYPE: /* nothing that charts show */
        return 0;
    case DAT_OOM:
    case DAT_END:
    case DAT_LIMIT:
    case DAT_STEP:
    case DAT_MISSED:
        return add_event(profile, record);
    case DAT_UNKNOWN:
    case DAT_BROKEN:
        break;
    }
    return 0;
}

/* A reading on its way through a file. */
struct dat_follower {
    struct reading reading;
    struct dat_counts counts;
    struct dat_scanner scanner;
    int error; /* of a read; nothing more is read then */
};

static void follower_init(struct dat_follower *follower, struct profile *profile, int only_largest,
                          const struct sample_window *window)
{
    follower->reading = (struct reading){
        .profile = profile, .only_largest = only_largest, .window = window, .begins = true};
    follower->error = 0;
    profile_init(profile);
    dat_scanner_init(&follower->scanner, add_record, &follower->reading, &follower->counts);
}

int dat_follower_read(struct dat_follower *follower, int fd)
{
    if (follower->error == 0)
        follower->error = dat_scanner_read(&follower->scanner, fd);
    return follower->error;
}

int dat_follower_finish(struct dat_follower *follower)
{
    struct profile *profile = follower->reading.profile;

    if (follower->error == 0)
        follower->error = dat_scanner_end(&follower->scanner);
    dat_scanner_release(&follower->scanner);
    end_round(&follower->reading);
    profile->lines = follower->counts.lines;
    profile->unknown = follower->counts.unknown;
    profile->broken = follower->counts.broken;
    /* Also after an error: what was read until then can be shown. */
    profile_finish(profile);
    return follower->error;
}

struct dat_follower *dat_follower_new(struct profile *profile)
{
    static const struct sample_window all = {-INFINITY, INFINITY};
    struct dat_follower *follower = malloc(sizeof *follower);

    if (follower != NULL)
        follower_init(follower, profile, 0, &all);
    return follower;
}

void dat_follower_free(struct dat_follower *follower)
{
    if (follower != NULL)
        dat_scanner_release(&follower->scanner);
    free(follower);
}

static int read_profile(int fd, struct profile *profile, int only_largest,
                        const struct sample_window *window)
{
    struct dat_follower follower;

    follower_init(&follower, profile, only_largest, window);
    (void)dat_follower_read(&follower, fd);
    return dat_follower_finish(&follower);
}

int dat_read(int fd, struct profile *profile)
{
    return read_profile(fd, profile, 0, NULL);
}

int dat_read_largest(int fd, struct profile *profile)
{
    return read_profile(fd, profile, 1, NULL);
}

int dat_read_thinned(int fd, const struct sample_window *window, struct profile *profile)
{
    return read_profile(fd, profile, 0, window);
}

int dat_read_path(const char *path, struct profile *profile)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error;

    profile_init(profile);
    if (fd < 0)
        return -errno;
    error = dat_read(fd, profile);
    close(fd);
    return error;
}
