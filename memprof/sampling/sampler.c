/* Longer than 500 lines because what a sample is made of, and in which order, is one story. */
#include "memprof/sampling/sampler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/grow.h"

#define MILLISECOND 1000000

/* HWMs of all processes and the tree are looked at within this time. */
#define CHORES_WITHIN_NS (INT64_C(100) * MILLISECOND)

/* Up to so many HWMs are read at once; more are read in turns. */
#define HWMS_AT_ONCE 50
#define TURN_NS (INT64_C(5) * MILLISECOND)

/* Descriptors that are not kept by readers. */
#define SPARE_DESCRIPTORS 24

/* Looking for descendants may take one part in so many. */
#define SCAN_SHARE 20

/* What a scan is thought to cost before there was one. */
#define SCAN_COST_NS 50000

/* The wall clock is slewed by less than this between two looks; more is a step. */
#define STEP_NS (INT64_C(100) * MILLISECOND)
#define CLOCK_EVERY_NS (INT64_C(1000) * MILLISECOND)

/* ---- what is written ---- */

/* A monotonic moment as it is written: nanoseconds since the epoch. */
static int64_t moment_of(const struct sampler *sampler, int64_t monotonic_ns)
{
    return sampler->start_wall_ns + (monotonic_ns - sampler->start_ns);
}

/* Remembers the first error of a write. */
static void note_write(struct sampler *sampler, int error)
{
    if (error != 0 && sampler->write_error == 0)
        sampler->write_error = error;
}

static void write_mem(struct sampler *sampler, int64_t bytes, int64_t at_ns)
{
    note_write(sampler, dat_writer_mem(sampler->writer, bytes, moment_of(sampler, at_ns)));
}

static void write_child(struct sampler *sampler, const struct sample_target *target, int64_t at_ns)
{
    int64_t moment_ns = moment_of(sampler, at_ns);

    note_write(sampler, dat_writer_child(sampler->writer, target->id.pid, target->last, moment_ns));
}

static void write_spike(struct sampler *sampler, const struct sample_target *target, int64_t bytes,
                        int64_t at_ns)
{
    int64_t moment_ns = moment_of(sampler, at_ns);

    note_write(sampler, dat_writer_spike(sampler->writer, target->id.pid, bytes, moment_ns));
}

/* A program that had ended before its first sample has its largest memory alone. */
static int64_t last_memory(const struct sampler *sampler)
{
    int64_t last = sampler->targets != NULL ? sampler->targets[0].last : -1;

    return last >= 0 ? last : sampler->peak_bytes;
}

/* Whether the kernel has a HWM of what is measured. */
static bool uses_hwms(const struct sampler *sampler)
{
    return sampler->options.backend == MEM_RSS;
}

/* What is known of the process beyond its samples, if there is anything new. */
static void write_peak(struct sampler *sampler, struct sample_target *target)
{
    int64_t bytes, when_ns, moment_ns;

    if (!uses_hwms(sampler) || !sample_target_peak(target, &bytes, &when_ns))
        return;
    moment_ns = moment_of(sampler, when_ns);
    note_write(sampler, dat_writer_peak(sampler->writer, target->id.pid, bytes, moment_ns));
}

/* ---- targets ---- */

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

/* One more behind the last, which does not count yet; others may move. NULL without memory. */
static struct sample_target *make_target(struct sampler *sampler, struct process_id id)
{
    struct sample_target *targets =
        grow_double(sampler->targets, sizeof *targets, sampler->count + 1, &sampler->capacity);

    if (targets == NULL)
        return NULL;
    sampler->targets = targets;
    sample_target_init(&targets[sampler->count], id, sampler->options.backend);
    targets[sampler->count].in_parts = sampler->options.parts;
    return &targets[sampler->count];
}

static int add_target(struct sampler *sampler, struct process_id id)
{
    struct sample_target *target = make_target(sampler, id);
    int error = target == NULL ? -ENOMEM : sample_target_open(target, &sampler->readers);

    if (error == 0)
        sampler->descendants += sampler->count++ > 0;
    return error;
}

static void end_target(struct sampler *sampler, struct sample_target *target)
{
    write_peak(sampler, target);
    sample_target_end(target, &sampler->readers);
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

/* ---- life ---- */

/* With spikes the HWMs are read with the samples instead of beside them. */
static int reads_hwms(const struct sampler *sampler)
{
    return uses_hwms(sampler) && !sampler->options.spikes;
}

static int open_root(struct sampler *sampler)
{
    const struct sampler_options *options = &sampler->options;
    int error = process_tree_init(&sampler->tree, options->root, getpid(), options->variable);

    if (error != 0)
        return error;
    error = add_target(sampler, sampler->tree.root);
    if (error == -ESRCH && !options->attached) {
        /* A program of ours that has ended already: only its HWM is left to tell. */
        sampler->count = 1;
        sampler->root_ended = 1;
        error = 0;
    }
    return error;
}

static void open_root_hwm(struct sampler *sampler)
{
    if (sampler->options.attached && uses_hwms(sampler))
        sample_target_ignore_hwm(&sampler->targets[0]);
    if (reads_hwms(sampler))
        sample_target_keep_hwm_open(&sampler->targets[0]);
}

static void start_clocks(struct sampler *sampler)
{
    sampler->start_ns = clock_monotonic_ns();
    sampler->start_wall_ns = clock_wall_ns();
    sampler->wall_offset_ns = sampler->start_wall_ns - sampler->start_ns;
    sampler->sample_due_ns = sampler->start_ns;
    sampler->chore_due_ns = sampler->start_ns + CHORES_WITHIN_NS;
    sampler->clock_due_ns = sampler->start_ns + CLOCK_EVERY_NS;
    sampler->scan_cost_ns = SCAN_COST_NS;
    /* A program that was just started has no children yet: the first sample comes first. */
    sampler->scan_due_ns = sampler->start_ns + (sampler->options.attached ? 0 : 1);
}

int64_t sampler_memory(struct sampler *sampler)
{
    if (!sampler->root_ended)
        (void)sample_target_read(&sampler->targets[0], sampler->start_ns, &sampler->readers);
    return last_memory(sampler);
}

int sampler_init(struct sampler *sampler, const struct sampler_options *options,
                 struct dat_writer *writer)
{
    int error;

    memset(sampler, 0, sizeof *sampler);
    sampler->options = *options;
    sampler->writer = writer;
    sampler->readers.most = descriptors_to_keep();
    error = open_root(sampler);
    if (error != 0) {
        sampler_release(sampler);
        return error;
    }
    open_root_hwm(sampler);
    start_clocks(sampler);
    return 0;
}

void sampler_release(struct sampler *sampler)
{
    for (size_t i = 0; i < sampler->count; i++)
        sample_target_end(&sampler->targets[i], &sampler->readers);
    free(sampler->targets);
    sampler->targets = NULL;
    sampler->count = sampler->capacity = 0;
    process_tree_release(&sampler->tree);
}

/* ---- samples ---- */

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

/* Looks for new descendants, when that is due; the targets may move. */
static void find_descendants(struct sampler *sampler, int64_t now_ns)
{
    int ran_before = sampler->tree.known == NULL && sampler->options.attached;

    if (now_ns < sampler->scan_due_ns || process_tree_scan(&sampler->tree) != 0)
        return;
    for (size_t i = 0; i < sampler->tree.n_added; i++)
        if (add_target(sampler, sampler->tree.added[i]) == 0 && ran_before && uses_hwms(sampler))
            sample_target_ignore_hwm(&sampler->targets[sampler->count - 1]);
    sampler->scan_due_ns = after_scan(sampler, now_ns, clock_monotonic_ns());
}

/* What the HWM says since the last sample, and the HWM set back. */
static void read_spike(struct sampler *sampler, struct sample_target *target, int64_t now_ns)
{
    int64_t spike;

    if (sample_target_read_spike(target, now_ns, &spike))
        write_peak(sampler, target);
    if (spike >= 0)
        write_spike(sampler, target, spike, now_ns);
}

static int read_target(struct sampler *sampler, struct sample_target *target, int64_t now_ns)
{
    int error;

    if (sampler->options.spikes)
        read_spike(sampler, target, now_ns);
    error = sample_target_read(target, now_ns, &sampler->readers);
    sampler->unreadable += error != 0 && error != -ESRCH;
    return error;
}

/* Returns when that was. */
static int64_t read_descendants(struct sampler *sampler)
{
    int64_t now_ns = clock_monotonic_ns();

    for (size_t i = 1; i < sampler->count; i++)
        (void)read_target(sampler, &sampler->targets[i], now_ns);
    return now_ns;
}

int64_t sampler_now(const struct sampler *sampler)
{
    int64_t sum = sampler->targets[0].last;

    for (size_t i = 1; i < sampler->count; i++)
        if (sampler->targets[i].error == 0)
            sum += sampler->targets[i].last;
    return sum;
}

/* Of what MEM is: of the root, or of all that is followed. */
static void write_parts(struct sampler *sampler, int64_t bytes, int64_t now_ns)
{
    int64_t sums[4] = {0};
    size_t count = sampler->options.sum ? sampler->count : 1;

    for (size_t i = 0; i < count; i++) {
        const struct sample_target *target = &sampler->targets[i];

        if (target->error != 0)
            continue;
        sums[0] += target->parts.anonymous;
        sums[1] += target->parts.file;
        sums[2] += target->parts.shared;
        sums[3] += target->parts.swap;
    }
    note_write(sampler, dat_writer_parts(sampler->writer, sums, bytes, moment_of(sampler, now_ns)));
}

static void write_root(struct sampler *sampler, int64_t now_ns)
{
    int64_t sum = sampler_now(sampler);
    int64_t bytes = sampler->options.sum ? sum : sampler->targets[0].last;

    write_mem(sampler, bytes, now_ns);
    if (sampler->options.parts)
        write_parts(sampler, bytes, now_ns);
    if (sum > sampler->sum_bytes) {
        sampler->sum_bytes = sum;
        sampler->sum_ns = now_ns;
    }
    sampler->samples++;
    if (bytes > sampler->peak_bytes) {
        sampler->peak_bytes = bytes;
        sampler->peak_ns = now_ns;
    }
}

/* Also the last word about those that have ended since the sample before. */
static void write_descendants(struct sampler *sampler, int64_t now_ns)
{
    for (size_t i = 1; i < sampler->count; i++) {
        struct sample_target *target = &sampler->targets[i];

        if (target->error == -ESRCH)
            end_target(sampler, target);
        else if (target->error == 0 && sampler->options.each)
            write_child(sampler, target, now_ns);
    }
    drop_ended(sampler);
}

/*
 * Looks who is there, reads them all, writes what they hold. The root is read before the look: its
 * moment is the deadline, and a short run is to have a sample at all.
 */
static void take_sample(struct sampler *sampler, int64_t now_ns)
{
    int error = read_target(sampler, &sampler->targets[0], now_ns);
    int64_t later_ns = now_ns;

    if (error != 0) {
        sampler->root_ended = error == -ESRCH;
        return;
    }
    if (follows_descendants(sampler)) {
        find_descendants(sampler, now_ns);
        later_ns = read_descendants(sampler);
    }
    write_root(sampler, now_ns);
    write_descendants(sampler, later_ns);
}

/* ---- chores ---- */

/* HWMs of all processes within CHORES_WITHIN_NS, in turns when there are many. */
static void read_hwms(struct sampler *sampler, int64_t now_ns)
{
    size_t turns = CHORES_WITHIN_NS / TURN_NS, quota = sampler->count;

    if (quota > HWMS_AT_ONCE)
        quota = (quota + turns - 1) / turns;
    for (; quota > 0; quota--) {
        struct sample_target *target;

        if (sampler->next_hwm >= sampler->count)
            sampler->next_hwm = 0;
        target = &sampler->targets[sampler->next_hwm++];
        if (sample_target_read_hwm(target, now_ns))
            write_peak(sampler, target);
    }
}

/* What is done besides samples, also between them when these are far apart. */
static void do_chores(struct sampler *sampler, int64_t now_ns)
{
    int in_turns;

    if (follows_descendants(sampler))
        find_descendants(sampler, now_ns);
    if (reads_hwms(sampler))
        read_hwms(sampler, now_ns);
    in_turns = reads_hwms(sampler) && sampler->count > HWMS_AT_ONCE;
    sampler->chore_due_ns = now_ns + (in_turns ? TURN_NS : CHORES_WITHIN_NS);
}

static bool has_chores(const struct sampler *sampler)
{
    return reads_hwms(sampler) || follows_descendants(sampler);
}

/*
 * Runs chores together with a sample if they come due within half an interval. A separate wake-up
 * costs as much as the readings; and chores that were separated once would stay separated.
 */
static bool are_chores_due(const struct sampler *sampler, int64_t now_ns)
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
        note_write(sampler, dat_writer_step(sampler->writer, step_ns, last_memory(sampler),
                                            moment_of(sampler, monotonic_ns)));
}

/* ---- the caller's loop ---- */

int64_t sampler_deadline(const struct sampler *sampler)
{
    if (has_chores(sampler) && sampler->chore_due_ns < sampler->sample_due_ns)
        return sampler->chore_due_ns;
    return sampler->sample_due_ns;
}

static void advance(struct sampler *sampler, int64_t now_ns)
{
    /* Whole intervals, so that deadlines stay on the grid of the start. */
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
    /* The HWMs come first: what the sample itself will show needs no HWM. */
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

/* The HWMs once more, and what the system says of the root's. */
static void read_last_hwms(struct sampler *sampler, int64_t own_peak_bytes, int64_t now_ns)
{
    for (size_t i = 0; i < sampler->count; i++)
        if (sample_target_read_hwm(&sampler->targets[i], now_ns))
            write_peak(sampler, &sampler->targets[i]);
    sample_target_raise_hwm(&sampler->targets[0], own_peak_bytes, now_ns);
}

void sampler_finish(struct sampler *sampler, int64_t own_peak_bytes)
{
    int64_t now_ns = clock_monotonic_ns();
    const struct sample_target *root = &sampler->targets[0];

    if (uses_hwms(sampler))
        read_last_hwms(sampler, own_peak_bytes, now_ns);
    if (sampler->samples == 0 && own_peak_bytes > 0) {
        /* Gone before it could be looked at: its largest size is a true sample of it. */
        write_mem(sampler, own_peak_bytes, sampler->start_ns);
        sampler->samples = 1;
    }
    for (size_t i = 0; i < sampler->count; i++)
        end_target(sampler, &sampler->targets[i]);
    if (!sampler->options.sum && root->hwm > sampler->peak_bytes) {
        sampler->peak_bytes = root->hwm;
        sampler->peak_ns = root->hwm_ns;
    }
    if (sampler->missed > 0)
        note_write(sampler, dat_writer_missed(sampler->writer, sampler->missed,
                                              last_memory(sampler), moment_of(sampler, now_ns)));
    sampler_flush(sampler);
}

void sampler_note_kills(struct sampler *sampler, int64_t kills, int64_t limit, int64_t at_ns)
{
    note_write(sampler, dat_writer_oom(sampler->writer, kills, limit, last_memory(sampler),
                                       moment_of(sampler, at_ns)));
}

void sampler_note_limit(struct sampler *sampler, const char *which, int64_t limit, int64_t at_ns)
{
    note_write(sampler, dat_writer_limit(sampler->writer, which, limit, last_memory(sampler),
                                         moment_of(sampler, at_ns)));
}

void sampler_note_end(struct sampler *sampler, bool by_signal, int number, int64_t at_ns)
{
    note_write(sampler, dat_writer_end(sampler->writer, sampler->options.root, by_signal, number,
                                       last_memory(sampler), moment_of(sampler, at_ns)));
}

void sampler_flush(struct sampler *sampler)
{
    note_write(sampler, dat_writer_flush(sampler->writer));
}
