#include "memprof/sampling/sampler_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "memprof/machine/clock.h"

#define MILLISECOND 1000000

/* Descriptors that are not kept by readers. */
#define SPARE_DESCRIPTORS 24

/* Looking for descendants may take one part in so many. */
#define SCAN_SHARE 20

/* What a scan is thought to cost before there was one. */
#define SCAN_COST_NS 50000

/* The wall clock is slewed by less than this between two looks; more is a step. */
#define STEP_NS (100 * MILLISECOND)
#define CLOCK_EVERY_NS (INT64_C(1000) * MILLISECOND)

int64_t sampler_moment(const struct sampler *sampler, int64_t monotonic_ns)
{
    return sampler->start_wall_ns + (monotonic_ns - sampler->start_ns);
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
    if (error == 0 && options->attached && sampler_uses_marks(sampler))
        (void)mem_peak_read(options->root, &sampler->targets[0].old_mark);
    sampler->root_mark_fd =
        error == 0 && sampler_reads_marks(sampler) ? mem_peak_open(options->root) : -1;
    sampler->start_ns = clock_monotonic_ns();
    sampler->start_wall_ns = clock_wall_ns();
    sampler->wall_offset_ns = sampler->start_wall_ns - sampler->start_ns;
    sampler->sample_due_ns = sampler->start_ns;
    sampler->chore_due_ns = sampler->start_ns + SAMPLER_CHORES_WITHIN_NS;
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
    sampler_write_peak(sampler, target);
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
    return end_ns + (pause_ns < SAMPLER_CHORES_WITHIN_NS ? pause_ns : SAMPLER_CHORES_WITHIN_NS);
}

static void find_descendants(struct sampler *sampler, int64_t now_ns)
{
    int first = sampler->tree.known == NULL;

    if (now_ns < sampler->scan_due_ns || process_tree_scan(&sampler->tree) != 0)
        return;
    for (size_t i = 0; i < sampler->tree.added_count; i++)
        if (add_target(sampler, sampler->tree.added[i]) == 0 && first &&
            sampler->options.attached && sampler_uses_marks(sampler))
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
            sampler_read_spike(sampler, target, now_ns);
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
            sampler_note_write(sampler,
                               dat_writer_child(sampler->writer, target->id.pid, target->last,
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
        sampler_read_spike(sampler, root, now_ns);
    error = read_target(sampler, root, now_ns);
    if (error != 0) {
        sampler->root_ended = error == -ESRCH;
        sampler->unreadable += error != -ESRCH;
        return;
    }
    if (follows_descendants(sampler)) {
        if (!sampler->options.sum)
            sampler_note_write(sampler, dat_writer_mem(sampler->writer, root->last,
                                                       sampler_moment(sampler, now_ns)));
        find_descendants(sampler, now_ns);
        later_ns = clock_monotonic_ns();
        bytes = sample_descendants(sampler, later_ns);
        root = &sampler->targets[0];
    }
    bytes = sampler->options.sum ? root->last + bytes : root->last;
    if (sampler->options.sum || !follows_descendants(sampler))
        sampler_note_write(sampler,
                           dat_writer_mem(sampler->writer, bytes, sampler_moment(sampler, now_ns)));
    sampler->samples++;
    if (bytes > sampler->peak_bytes) {
        sampler->peak_bytes = bytes;
        sampler->peak_ns = now_ns;
    }
}

/* What is done besides samples, also between them when these are far apart. */
static void do_chores(struct sampler *sampler, int64_t now_ns)
{
    if (follows_descendants(sampler))
        find_descendants(sampler, now_ns);
    if (sampler_reads_marks(sampler))
        sampler_read_marks(sampler, now_ns);
    sampler->chore_due_ns = now_ns + sampler_marks_pause_ns(sampler);
}

static int has_chores(const struct sampler *sampler)
{
    return sampler_reads_marks(sampler) || follows_descendants(sampler);
}

/*
 * Chores that come due before the middle of the next interval are done now. A wake of their own
 * costs as much as all that is read then; and once they were late, it would stay with them.
 */
static int are_chores_due(const struct sampler *sampler, int64_t now_ns)
{
    int64_t interval_ns = sampler->options.interval_ns;

    if (interval_ns > SAMPLER_CHORES_WITHIN_NS)
        interval_ns = SAMPLER_CHORES_WITHIN_NS;
    return has_chores(sampler) && now_ns + interval_ns / 2 >= sampler->chore_due_ns;
}

void sampler_check_clock(struct sampler *sampler, int64_t monotonic_ns, int64_t wall_ns)
{
    int64_t step_ns = wall_ns - monotonic_ns - sampler->wall_offset_ns;

    sampler->clock_due_ns = monotonic_ns + CLOCK_EVERY_NS;
    sampler->wall_offset_ns += step_ns;
    if (step_ns > STEP_NS || step_ns < -STEP_NS)
        sampler_note_write(sampler, dat_writer_step(sampler->writer, step_ns,
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
    sampler_note_write(sampler, error);
    if (error != 0)
        sampler->unwritten += sampler->samples - unwritten;
    return 0;
}

void sampler_finish(struct sampler *sampler, int64_t own_peak_bytes)
{
    int64_t now_ns = clock_monotonic_ns();
    struct sampler_target *root = &sampler->targets[0];

    for (size_t i = 0; i < sampler->count && sampler_uses_marks(sampler); i++)
        sampler_read_mark(sampler, &sampler->targets[i], now_ns);
    if (own_peak_bytes > root->mark && sampler_uses_marks(sampler)) {
        root->mark = own_peak_bytes;
        root->mark_ns = now_ns;
    }
    if (sampler->samples == 0 && own_peak_bytes > 0) {
        /* Gone before it could be looked at: its largest size is a true sample of it. */
        sampler_note_write(sampler, dat_writer_mem(sampler->writer, own_peak_bytes,
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
        sampler_note_write(sampler, dat_writer_missed(sampler->writer, sampler->missed,
                                                      sampler_moment(sampler, now_ns)));
    sampler_note_write(sampler, dat_writer_flush(sampler->writer));
}
