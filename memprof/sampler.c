#include "memprof/sampler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "memprof/clock.h"

#define MILLISECOND 1000000

/* Descriptors that are not kept by readers. */
#define SPARE_DESCRIPTORS 24

/* Marks of all processes and the tree are looked at within this time. */
#define CHORES_WITHIN_NS (100 * MILLISECOND)

/* Up to so many marks are read at once; more are read in turns. */
#define MARKS_AT_ONCE 50
#define TURN_NS (5 * MILLISECOND)

/* Looking for descendants may take one part in so many. */
#define SCAN_SHARE 20

/* What a scan is thought to cost before there was one. */
#define SCAN_COST_NS 50000

/* The wall clock is slewed by less than this between two looks; more is a step. */
#define STEP_NS (100 * MILLISECOND)
#define CLOCK_EVERY_NS (INT64_C(1000) * MILLISECOND)

struct sampler_target {
    struct process_id id;
    struct mem_reader reader;
    int open; /* the reader keeps its descriptor; otherwise there were too many */
    int ended;
    int64_t last;                   /* the newest sample, -1: none */
    int64_t largest, largest_ns;    /* of the samples */
    int64_t mark, mark_ns, written; /* highest mark that counts, and what a PEAK line said */
    int64_t old_mark;               /* the mark counts once it is above this */
};

int64_t sampler_moment(const struct sampler *sampler, int64_t monotonic_ns)
{
    return sampler->start_wall_ns + (monotonic_ns - sampler->start_ns);
}

static int uses_marks(const struct sampler *sampler)
{
    return sampler->options.backend == MEM_RSS;
}

/* With spikes the marks are read with the samples instead. */
static int reads_marks(const struct sampler *sampler)
{
    return uses_marks(sampler) && !sampler->options.spikes;
}

static int follows_descendants(const struct sampler *sampler)
{
    return sampler->options.sum || sampler->options.each;
}

/* How many descriptors readers may keep; the rest of the limit is for everything else. */
static size_t descriptors_to_keep(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < SPARE_DESCRIPTORS)
        return 0;
    return (size_t)(limit.rlim_cur - SPARE_DESCRIPTORS);
}

static void close_target(struct sampler *sampler, struct sampler_target *target)
{
    if (target->open) {
        mem_reader_release(&target->reader);
        sampler->kept--;
    }
    target->open = 0;
}

/*
 * Opens a reader for a task of the process that still has its memory. When there are too many,
 * it is opened for each reading instead.
 */
static int open_reader(struct sampler *sampler, struct sampler_target *target)
{
    enum mem_backend backend = sampler->options.backend;
    pid_t task = process_living_task(target->id.pid);
    int error = task == 0 ? -ESRCH : mem_reader_init(&target->reader, task, backend);

    if (error != 0)
        return error;
    target->open = 1;
    sampler->kept++;
    if (sampler->kept > sampler->keep_most) {
        close_target(sampler, target);
        target->reader = (struct mem_reader){.pid = task, .backend = backend, .fd = -1};
    }
    return 0;
}

static int add_target(struct sampler *sampler, struct process_id id)
{
    struct sampler_target *target;
    int error;

    if (sampler->count == sampler->capacity) {
        size_t capacity = 2 * sampler->capacity + 8;

        target = realloc(sampler->targets, capacity * sizeof *target);
        if (target == NULL)
            return -ENOMEM;
        sampler->targets = target;
        sampler->capacity = capacity;
    }
    target = &sampler->targets[sampler->count];
    memset(target, 0, sizeof *target);
    target->id = id;
    target->last = target->mark = target->written = target->old_mark = -1;
    error = open_reader(sampler, target);
    if (error == 0)
        sampler->count++;
    return error;
}

int sampler_init(struct sampler *sampler, const struct sampler_options *options,
                 struct dat_writer *writer)
{
    int error;

    memset(sampler, 0, sizeof *sampler);
    sampler->options = *options;
    sampler->root_mark_fd = -1;
    sampler->writer = writer;
    sampler->keep_most = descriptors_to_keep();
    error = process_tree_init(&sampler->tree, options->root, getpid(), options->variable);
    if (error == 0)
        error = add_target(sampler, sampler->tree.root);
    if (error == -ESRCH && !options->attached && sampler->targets != NULL) {
        /* A program of ours that has ended already: only its mark is left to tell. */
        sampler->count = 1;
        sampler->root_ended = 1;
        error = 0;
    }
    if (error == 0 && options->attached && uses_marks(sampler))
        (void)mem_peak_read(options->root, &sampler->targets[0].old_mark);
    sampler->root_mark_fd = error == 0 && reads_marks(sampler) ? mem_peak_open(options->root) : -1;
    sampler->start_ns = clock_monotonic_ns();
    sampler->start_wall_ns = clock_wall_ns();
    sampler->wall_offset_ns = sampler->start_wall_ns - sampler->start_ns;
    sampler->sample_due_ns = sampler->start_ns;
    sampler->chore_due_ns = sampler->start_ns + CHORES_WITHIN_NS;
    sampler->clock_due_ns = sampler->start_ns + CLOCK_EVERY_NS;
    sampler->scan_cost_ns = SCAN_COST_NS;
    /* A program that was just started has no children yet: the first sample comes first. */
    sampler->scan_due_ns = sampler->start_ns + (options->attached ? 0 : 1);
    if (error != 0)
        sampler_release(sampler);
    return error;
}

void sampler_release(struct sampler *sampler)
{
    for (size_t i = 0; i < sampler->count; i++)
        close_target(sampler, &sampler->targets[i]);
    if (sampler->root_mark_fd >= 0)
        close(sampler->root_mark_fd);
    sampler->root_mark_fd = -1;
    free(sampler->targets);
    sampler->targets = NULL;
    sampler->count = sampler->capacity = 0;
    process_tree_release(&sampler->tree);
}

static void note_write(struct sampler *sampler, int error)
{
    if (error != 0 && sampler->write_error == 0)
        sampler->write_error = error;
}

/* The last word about a process: the larger of its mark and its samples. */
static void write_peak(struct sampler *sampler, const struct sampler_target *target)
{
    int64_t bytes = target->largest, when_ns = target->largest_ns;

    if (target->mark > bytes) {
        bytes = target->mark;
        when_ns = target->mark_ns;
    }
    if (uses_marks(sampler) && bytes > 0 && bytes > target->written)
        note_write(sampler, dat_writer_peak(sampler->writer, target->id.pid, bytes,
                                            sampler_moment(sampler, when_ns)));
}

/* A mark that stands well above what is known of the process is written at once. */
static void note_mark(struct sampler *sampler, struct sampler_target *target, int64_t bytes,
                      int64_t now_ns)
{
    int64_t known = target->largest > target->written ? target->largest : target->written;

    if (bytes <= target->old_mark || bytes <= target->mark)
        return;
    target->mark = bytes;
    target->mark_ns = now_ns;
    if (bytes > known + known / 256 + 65536) {
        write_peak(sampler, target);
        target->written = bytes;
    }
}

static void read_mark(struct sampler *sampler, struct sampler_target *target, int64_t now_ns)
{
    int is_open = target == sampler->targets && sampler->root_mark_fd >= 0;
    int64_t bytes;

    if (!target->ended && target->reader.pid != 0 &&
        (is_open ? mem_peak_read_open(sampler->root_mark_fd, &bytes)
                 : mem_peak_read(target->reader.pid, &bytes)) == 0)
        note_mark(sampler, target, bytes, now_ns);
}

/* With spikes: what the mark says since the last sample, and the mark set back. */
static void read_spike(struct sampler *sampler, struct sampler_target *target, int64_t now_ns)
{
    int64_t bytes;

    if (target->reader.pid == 0 || mem_peak_read(target->reader.pid, &bytes) != 0)
        return;
    (void)mem_peak_reset(target->reader.pid);
    note_mark(sampler, target, bytes, now_ns);
    if (target->last >= 0)
        note_write(sampler, dat_writer_spike(sampler->writer, target->id.pid, bytes,
                                             sampler_moment(sampler, now_ns)));
}

static int read_once(struct sampler_target *target, int64_t *bytes)
{
    int error;

    if (target->open)
        return mem_reader_read(&target->reader, bytes);
    error = mem_reader_init(&target->reader, target->reader.pid, target->reader.backend);
    if (error != 0)
        return error;
    error = mem_reader_read(&target->reader, bytes);
    mem_reader_release(&target->reader);
    return error;
}

/* The pid may be another process by now; its start tells. */
static int is_still_there(const struct sampler_target *target)
{
    struct process_facts facts;

    return process_read(target->id.pid, &facts) == 0 && facts.start == target->id.start;
}

static int read_target(struct sampler *sampler, struct sampler_target *target, int64_t now_ns)
{
    int64_t bytes = 0;
    int error = target->reader.pid == 0 ? -ESRCH : read_once(target, &bytes);

    if (error == -ESRCH && is_still_there(target)) {
        /* The first thread has ended, others may live on. */
        close_target(sampler, target);
        error = open_reader(sampler, target);
        if (error == 0)
            error = read_once(target, &bytes);
    }
    if (error != 0)
        return error;
    target->last = bytes;
    if (bytes > target->largest) {
        target->largest = bytes;
        target->largest_ns = now_ns;
    }
    return 0;
}

static void end_target(struct sampler *sampler, struct sampler_target *target)
{
    write_peak(sampler, target);
    close_target(sampler, target);
    target->ended = 1;
}

/* Forgets the descendants that have ended; the root stays the first. */
static void drop_ended(struct sampler *sampler)
{
    size_t kept = 1;

    for (size_t i = 1; i < sampler->count; i++)
        if (!sampler->targets[i].ended)
            sampler->targets[kept++] = sampler->targets[i];
    if (sampler->count > kept)
        sampler->count = kept;
}

/*
 * When the next scan may begin. A single slow one (the first, or one that was interrupted) tells
 * little: what a scan is thought to cost doubles at most.
 */
static int64_t after_scan(struct sampler *sampler, int64_t begin_ns, int64_t end_ns)
{
    int64_t cost_ns = end_ns - begin_ns, pause_ns;

    if (cost_ns > 2 * sampler->scan_cost_ns)
        cost_ns = 2 * sampler->scan_cost_ns;
    sampler->scan_cost_ns = cost_ns;
    pause_ns = SCAN_SHARE * cost_ns;
    return end_ns + (pause_ns < CHORES_WITHIN_NS ? pause_ns : CHORES_WITHIN_NS);
}

static void find_descendants(struct sampler *sampler, int64_t now_ns)
{
    int first = sampler->tree.known == NULL;

    if (now_ns < sampler->scan_due_ns || process_tree_scan(&sampler->tree) != 0)
        return;
    for (size_t i = 0; i < sampler->tree.added_count; i++)
        if (add_target(sampler, sampler->tree.added[i]) == 0 && first &&
            sampler->options.attached && uses_marks(sampler))
            (void)mem_peak_read(sampler->tree.added[i].pid,
                                &sampler->targets[sampler->count - 1].old_mark);
    sampler->scan_due_ns = after_scan(sampler, now_ns, clock_monotonic_ns());
}

static int64_t sample_descendants(struct sampler *sampler, int64_t now_ns)
{
    int64_t sum = 0;

    for (size_t i = 1; i < sampler->count; i++) {
        struct sampler_target *target = &sampler->targets[i];
        int error;

        if (sampler->options.spikes)
            read_spike(sampler, target, now_ns);
        error = read_target(sampler, target, now_ns);
        if (error == -ESRCH) {
            end_target(sampler, target);
            continue;
        }
        if (error != 0) {
            sampler->unreadable++;
            continue;
        }
        sum += target->last;
        if (sampler->options.each)
            note_write(sampler, dat_writer_child(sampler->writer, target->id.pid, target->last,
                                                 sampler_moment(sampler, now_ns)));
    }
    drop_ended(sampler);
    return sum;
}

static void take_sample(struct sampler *sampler, int64_t now_ns)
{
    struct sampler_target *root = &sampler->targets[0];
    int64_t bytes = 0, later_ns = now_ns;
    int error;

    if (sampler->options.spikes)
        read_spike(sampler, root, now_ns);
    error = read_target(sampler, root, now_ns);
    if (error != 0) {
        sampler->root_ended = error == -ESRCH;
        sampler->unreadable += error != -ESRCH;
        return;
    }
    if (follows_descendants(sampler)) {
        if (!sampler->options.sum)
            note_write(sampler, dat_writer_mem(sampler->writer, root->last,
                                               sampler_moment(sampler, now_ns)));
        find_descendants(sampler, now_ns);
        later_ns = clock_monotonic_ns();
        bytes = sample_descendants(sampler, later_ns);
        root = &sampler->targets[0];
    }
    bytes = sampler->options.sum ? root->last + bytes : root->last;
    if (sampler->options.sum || !follows_descendants(sampler))
        note_write(sampler,
                   dat_writer_mem(sampler->writer, bytes, sampler_moment(sampler, now_ns)));
    sampler->samples++;
    if (bytes > sampler->peak_bytes) {
        sampler->peak_bytes = bytes;
        sampler->peak_ns = now_ns;
    }
}

/* Marks of all processes within CHORES_WITHIN_NS, in turns when there are many. */
static void read_marks(struct sampler *sampler, int64_t now_ns)
{
    size_t turns = CHORES_WITHIN_NS / TURN_NS, quota = sampler->count;

    if (quota > MARKS_AT_ONCE)
        quota = (quota + turns - 1) / turns;
    for (; quota > 0; quota--) {
        if (sampler->next_mark >= sampler->count)
            sampler->next_mark = 0;
        read_mark(sampler, &sampler->targets[sampler->next_mark++], now_ns);
    }
}

/* What is done besides samples, also between them when these are far apart. */
static void do_chores(struct sampler *sampler, int64_t now_ns)
{
    int in_turns = reads_marks(sampler) && sampler->count > MARKS_AT_ONCE;

    if (follows_descendants(sampler))
        find_descendants(sampler, now_ns);
    if (reads_marks(sampler))
        read_marks(sampler, now_ns);
    sampler->chore_due_ns = now_ns + (in_turns ? TURN_NS : CHORES_WITHIN_NS);
}

static int has_chores(const struct sampler *sampler)
{
    return reads_marks(sampler) || follows_descendants(sampler);
}

/*
 * Chores that come due before the middle of the next interval are done now. A wake of their own
 * costs as much as all that is read then; and once they were late, it would stay with them.
 */
static int are_chores_due(const struct sampler *sampler, int64_t now_ns)
{
    int64_t interval_ns = sampler->options.interval_ns;

    if (interval_ns > CHORES_WITHIN_NS)
        interval_ns = CHORES_WITHIN_NS;
    return has_chores(sampler) && now_ns + interval_ns / 2 >= sampler->chore_due_ns;
}

void sampler_check_clock(struct sampler *sampler, int64_t monotonic_ns, int64_t wall_ns)
{
    int64_t step_ns = wall_ns - monotonic_ns - sampler->wall_offset_ns;

    sampler->clock_due_ns = monotonic_ns + CLOCK_EVERY_NS;
    sampler->wall_offset_ns += step_ns;
    if (step_ns > STEP_NS || step_ns < -STEP_NS)
        note_write(sampler, dat_writer_step(sampler->writer, step_ns,
                                            sampler_moment(sampler, monotonic_ns)));
}

int64_t sampler_deadline(const struct sampler *sampler)
{
    if (has_chores(sampler) && sampler->chore_due_ns < sampler->sample_due_ns)
        return sampler->chore_due_ns;
    return sampler->sample_due_ns;
}

static void advance(struct sampler *sampler, int64_t now_ns)
{
    int64_t passed = (now_ns - sampler->sample_due_ns) / sampler->options.interval_ns;

    sampler->missed += passed;
    sampler->sample_due_ns += (passed + 1) * sampler->options.interval_ns;
}

int sampler_step(struct sampler *sampler)
{
    int64_t now_ns = clock_monotonic_ns(), unwritten = sampler->samples;
    int error;

    if (now_ns >= sampler->clock_due_ns)
        sampler_check_clock(sampler, now_ns, clock_wall_ns());
    /* The marks come first: what the sample itself will show needs no mark. */
    if (are_chores_due(sampler, now_ns))
        do_chores(sampler, now_ns);
    if (now_ns >= sampler->sample_due_ns) {
        advance(sampler, now_ns);
        take_sample(sampler, now_ns);
    }
    error = dat_writer_flush(sampler->writer);
    note_write(sampler, error);
    if (error != 0)
        sampler->unwritten += sampler->samples - unwritten;
    return 0;
}

void sampler_finish(struct sampler *sampler, int64_t own_peak_bytes)
{
    int64_t now_ns = clock_monotonic_ns();
    struct sampler_target *root = &sampler->targets[0];

    for (size_t i = 0; i < sampler->count && uses_marks(sampler); i++)
        read_mark(sampler, &sampler->targets[i], now_ns);
    if (own_peak_bytes > root->mark && uses_marks(sampler)) {
        root->mark = own_peak_bytes;
        root->mark_ns = now_ns;
    }
    if (sampler->samples == 0 && own_peak_bytes > 0) {
        /* Gone before it could be looked at: its largest size is a true sample of it. */
        note_write(sampler, dat_writer_mem(sampler->writer, own_peak_bytes,
                                           sampler_moment(sampler, sampler->start_ns)));
        sampler->samples = 1;
    }
    for (size_t i = 0; i < sampler->count; i++)
        end_target(sampler, &sampler->targets[i]);
    if (!sampler->options.sum && root->mark > sampler->peak_bytes) {
        sampler->peak_bytes = root->mark;
        sampler->peak_ns = root->mark_ns;
    }
    if (sampler->missed > 0)
        note_write(sampler, dat_writer_missed(sampler->writer, sampler->missed,
                                              sampler_moment(sampler, now_ns)));
    note_write(sampler, dat_writer_flush(sampler->writer));
}
