#include "memprof/profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"
#include "memprof/profile/sample_buckets.h"

void profile_init(struct profile *profile)
{
    memset(profile, 0, sizeof *profile);
}

void profile_release(struct profile *profile)
{
    for (size_t i = 0; i < profile->n_processes; i++) {
        profile_samples_release(&profile->processes[i].samples);
        profile_samples_release(&profile->processes[i].peaks);
        profile_samples_release(&profile->processes[i].spikes);
        type_history_release(&profile->processes[i].types);
    }
    for (size_t i = 0; i < profile->n_names; i++)
        free(profile->names[i]);
    profile_samples_release(&profile->samples);
    for (size_t i = 0; i < PROFILE_PARTS; i++)
        profile_samples_release(&profile->parts[i]);
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        free(profile->limits[i].at);
    free(profile->processes);
    free(profile->spans);
    free(profile->runs);
    free(profile->starts.at);
    free(profile->missed.at);
    free(profile->steps.at);
    free(profile->command_line);
    free(profile->names);
    free(profile->name_index.slots);
    free(profile->process_index.slots);
    profile_init(profile);
}

int profile_notes_add(struct profile_notes *notes, double value, double moment)
{
    struct profile_note *at =
        grow_by_half(notes->at, sizeof *at, notes->count + 1, &notes->capacity);

    if (at == NULL)
        return -ENOMEM;
    notes->at = at;
    at[notes->count++] = (struct profile_note){value, moment};
    return 0;
}

static uint64_t hash_text(const char *text, size_t length)
{
    /* FNV-1a. The low bits choose the slot, so the high ones are mixed in at the end. */
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 29;
}

static uint64_t hash_pid(int64_t pid)
{
    /* 2^64 over the golden ratio: pids that are neighbours land far apart. The high bits are
     * good. */
    return (uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static uint64_t hash_name_at(const struct profile *profile, size_t at)
{
    return hash_text(profile->names[at], strlen(profile->names[at]));
}

static uint64_t hash_process_at(const struct profile *profile, size_t at)
{
    return hash_pid(profile->processes[at].pid);
}

/* Puts the entry into the first free slot from its hash on. */
static void index_put(struct profile_index *index, uint64_t hash, size_t at)
{
    size_t slot = hash & (index->capacity - 1);

    while (index->slots[slot] != 0)
        slot = (slot + 1) & (index->capacity - 1);
    index->slots[slot] = (uint32_t)at + 1;
}

/* Doubles the slots when `count` entries and one more would fill more than half of them. */
static int index_reserve(const struct profile *profile, struct profile_index *index, size_t count,
                         uint64_t (*hash_at)(const struct profile *, size_t))
{
    struct profile_index larger = {.capacity = index->capacity == 0 ? 16 : 2 * index->capacity};

    /* A slot holds a number + 1 in 32 bits. */
    if (count >= UINT32_MAX / 2)
        return -ENOMEM;
    /* At most half full: a search ends at a free slot, and soon. */
    if (2 * (count + 1) <= index->capacity)
        return 0;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        index_put(&larger, hash_at(profile, i), i);
    free(index->slots);
    *index = larger;
    return 0;
}

static struct profile_process *find_process(const struct profile *profile, int64_t pid)
{
    const struct profile_index *index = &profile->process_index;
    size_t slot;

    if (index->capacity == 0)
        return NULL;
    slot = hash_pid(pid) & (index->capacity - 1);
    for (; index->slots[slot] != 0; slot = (slot + 1) & (index->capacity - 1))
        if (profile->processes[index->slots[slot] - 1].pid == pid)
            return &profile->processes[index->slots[slot] - 1];
    return NULL;
}

const struct profile_process *profile_process_find(const struct profile *profile, int64_t pid)
{
    return find_process(profile, pid);
}

struct profile_process *profile_process(struct profile *profile, int64_t pid)
{
    struct profile_process *process = find_process(profile, pid);

    if (process != NULL)
        return process;
    /* The index first: once the process is there, index_put() must not fail. */
    if (index_reserve(profile, &profile->process_index, profile->n_processes, hash_process_at) != 0)
        return NULL;
    process = grow_by_half(profile->processes, sizeof *process, profile->n_processes + 1,
                           &profile->process_capacity);
    if (process == NULL)
        return NULL;
    profile->processes = process;
    process = &profile->processes[profile->n_processes];
    memset(process, 0, sizeof *process);
    process->pid = pid;
    index_put(&profile->process_index, hash_pid(pid), profile->n_processes++);
    return process;
}

/* A string of its own; NUL bytes become blanks. */
static char *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    for (char *nul = copy; (nul = memchr(nul, '\0', length - (size_t)(nul - copy))) != NULL;)
        *nul = ' ';
    copy[length] = '\0';
    return copy;
}

/* The known copy of `text`. */
static const char *find_name(const struct profile *profile, const char *text, size_t length)
{
    const struct profile_index *index = &profile->name_index;
    size_t slot;

    if (index->capacity == 0)
        return NULL;
    slot = hash_text(text, length) & (index->capacity - 1);
    for (; index->slots[slot] != 0; slot = (slot + 1) & (index->capacity - 1)) {
        const char *name = profile->names[index->slots[slot] - 1];

        if (strlen(name) == length && memcmp(name, text, length) == 0)
            return name;
    }
    return NULL;
}

/* Keeps a new name. */
static int add_name(struct profile *profile, char *name)
{
    char **names =
        grow_by_half(profile->names, sizeof *names, profile->n_names + 1, &profile->name_capacity);

    if (names == NULL)
        return -ENOMEM;
    /* Kept even if the next step fails: the old block is gone. */
    profile->names = names;
    if (index_reserve(profile, &profile->name_index, profile->n_names, hash_name_at) != 0)
        return -ENOMEM;
    names[profile->n_names] = name;
    index_put(&profile->name_index, hash_text(name, strlen(name)), profile->n_names++);
    return 0;
}

const char *profile_name(struct profile *profile, const char *text, size_t length)
{
    const char *known = find_name(profile, text, length);
    char *name;

    if (known != NULL)
        return known;
    name = copy_text(text, length);
    if (name == NULL)
        return NULL;
    known = find_name(profile, name, length); /* one with NUL bytes in it is known by its copy */
    if (known == NULL && add_name(profile, name) == 0)
        return name;
    free(name);
    return known;
}

int profile_span_add(struct profile *profile, const struct profile_span *span)
{
    struct profile_span *spans =
        grow_by_half(profile->spans, sizeof *spans, profile->n_spans + 1, &profile->span_capacity);

    if (spans == NULL)
        return -ENOMEM;
    profile->spans = spans;
    spans[profile->n_spans++] = *span;
    return 0;
}

int profile_run_add(struct profile *profile, const struct profile_run *run)
{
    struct profile_run *runs =
        grow_by_half(profile->runs, sizeof *runs, profile->n_runs + 1, &profile->run_capacity);

    if (runs == NULL)
        return -ENOMEM;
    profile->runs = runs;
    runs[profile->n_runs++] = *run;
    return 0;
}

int profile_command_line(struct profile *profile, const char *text, size_t length)
{
    char *copy = copy_text(text, length);

    if (copy == NULL)
        return -ENOMEM;
    free(profile->command_line);
    profile->command_line = copy;
    profile->command_lines++;
    return 0;
}

static void finish_samples(struct profile_samples *samples)
{
    /* Buckets become samples first, so that what a stepped clock brought out of order is sorted
     * too. */
    if (samples->buckets != NULL)
        sample_buckets_expand(samples);
    profile_samples_finish(samples);
}

/* Those of one activation stand together, its ended one first. */
static int compare_spans(const void *left, const void *right)
{
    const struct profile_span *a = left, *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    if (a->name != b->name)
        return strcmp(a->name, b->name);
    return a->open - b->open;
}

static int same_activation(const struct profile_span *a, const struct profile_span *b)
{
    return a->begin == b->begin && a->level == b->level && a->name == b->name;
}

/* Threads may begin the same at the same moment: as many open ones go as there are ended ones. */
static void drop_ended(struct profile *profile)
{
    struct profile_span *spans = profile->spans;
    size_t kept = 0, ended = 0;

    for (size_t i = 0; i < profile->n_spans; i++) {
        if (i == 0 || !same_activation(&spans[i - 1], &spans[i]))
            ended = 0;
        if (!spans[i].open)
            ended++;
        else if (ended > 0) {
            ended--;
            /* What it read is a reading all the same. */
            if (spans[i].memory_begin > spans[kept - 1].memory_begin)
                spans[kept - 1].memory_begin = spans[i].memory_begin;
            continue;
        }
        /* `kept` trails `i`, but never overwrites spans[i - 1] before it was compared above. */
        spans[kept++] = spans[i];
    }
    profile->n_spans = kept;
}

static int compare_notes(const void *left, const void *right)
{
    const struct profile_note *a = left, *b = right;

    return (a->moment > b->moment) - (a->moment < b->moment);
}

bool profile_begins_between(const struct profile *profile, double after, double until)
{
    size_t low = 0, high = profile->starts.count;

    /* The first one behind `after`. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (profile->starts.at[middle].moment > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low < profile->starts.count && profile->starts.at[low].moment <= until;
}

static void finish_runs(struct profile *profile)
{
    for (size_t i = 0; i < profile->n_runs; i++) {
        const struct profile_run *run = &profile->runs[i];
        struct profile_process *root = find_process(profile, run->pid);

        profile->is_sum |= run->sum;
        profile->has_each |= run->each;
        if (root != NULL)
            root->is_root = true;
    }
    for (size_t i = 0; i < profile->n_processes; i++)
        profile->has_each |= profile->processes[i].samples.count > 0;
}

void profile_finish(struct profile *profile)
{
    if (profile->starts.count > 1)
        qsort(profile->starts.at, profile->starts.count, sizeof *profile->starts.at, compare_notes);
    finish_samples(&profile->samples);
    for (size_t i = 0; i < PROFILE_PARTS; i++)
        finish_samples(&profile->parts[i]);
    for (size_t i = 0; i < profile->n_processes; i++) {
        finish_samples(&profile->processes[i].samples);
        finish_samples(&profile->processes[i].peaks);
        finish_samples(&profile->processes[i].spikes);
    }
    finish_runs(profile); /* counts samples, and those of buckets are there only now */
    if (profile->n_spans > 1)
        qsort(profile->spans, profile->n_spans, sizeof *profile->spans, compare_spans);
    drop_ended(profile);
}

double profile_duration(const struct profile *profile)
{
    const struct profile_notes *starts = &profile->starts;
    double start, end = profile->ending.is_known ? profile->ending.moment : profile->last_moment;

    if (starts->count == 0)
        return -1;
    start = starts->at[starts->count - 1].moment;
    /* An end in the moment of the first sample is one: moments are tenths of a millisecond. */
    return end > start || (profile->ending.is_known && end == start) ? end - start : -1;
}
