#include "memprof/sampling/sampler_marks.h"

/* Up to so many marks are read at once; more are read in turns. */
#define MARKS_AT_ONCE 50
#define TURN_NS (5 * 1000000)

int sampler_uses_marks(const struct sampler *sampler)
{
    return sampler->options.backend == MEM_RSS;
}

/* With spikes the marks are read with the samples instead. */
int sampler_reads_marks(const struct sampler *sampler)
{
    return sampler_uses_marks(sampler) && !sampler->options.spikes;
}

void sampler_note_write(struct sampler *sampler, int error)
{
    if (error != 0 && sampler->write_error == 0)
        sampler->write_error = error;
}

/* The last word about a process: the larger of its mark and its samples. */
void sampler_write_peak(struct sampler *sampler, const struct sampler_target *target)
{
    int64_t bytes = target->largest, when_ns = target->largest_ns;

    if (target->mark > bytes) {
        bytes = target->mark;
        when_ns = target->mark_ns;
    }
    if (sampler_uses_marks(sampler) && bytes > 0 && bytes > target->written)
        sampler_note_write(sampler, dat_writer_peak(sampler->writer, target->id.pid, bytes,
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
        sampler_write_peak(sampler, target);
        target->written = bytes;
    }
}

void sampler_read_mark(struct sampler *sampler, struct sampler_target *target, int64_t now_ns)
{
    int is_open = target == sampler->targets && sampler->root_mark_fd >= 0;
    int64_t bytes;

    if (!target->ended && target->reader.pid != 0 &&
        (is_open ? mem_peak_read_open(sampler->root_mark_fd, &bytes)
                 : mem_peak_read(target->reader.pid, &bytes)) == 0)
        note_mark(sampler, target, bytes, now_ns);
}

/* With spikes: what the mark says since the last sample, and the mark set back. */
void sampler_read_spike(struct sampler *sampler, struct sampler_target *target, int64_t now_ns)
{
    int64_t bytes;

    if (target->reader.pid == 0 || mem_peak_read(target->reader.pid, &bytes) != 0)
        return;
    (void)mem_peak_reset(target->reader.pid);
    note_mark(sampler, target, bytes, now_ns);
    if (target->last >= 0)
        sampler_note_write(sampler, dat_writer_spike(sampler->writer, target->id.pid, bytes,
                                                     sampler_moment(sampler, now_ns)));
}

/* Marks of all processes within SAMPLER_CHORES_WITHIN_NS, in turns when there are many. */
void sampler_read_marks(struct sampler *sampler, int64_t now_ns)
{
    size_t turns = SAMPLER_CHORES_WITHIN_NS / TURN_NS, quota = sampler->count;

    if (quota > MARKS_AT_ONCE)
        quota = (quota + turns - 1) / turns;
    for (; quota > 0; quota--) {
        if (sampler->next_mark >= sampler->count)
            sampler->next_mark = 0;
        sampler_read_mark(sampler, &sampler->targets[sampler->next_mark++], now_ns);
    }
}

int64_t sampler_marks_pause_ns(const struct sampler *sampler)
{
    int in_turns = sampler_reads_marks(sampler) && sampler->count > MARKS_AT_ONCE;

    return in_turns ? TURN_NS : SAMPLER_CHORES_WITHIN_NS;
}
