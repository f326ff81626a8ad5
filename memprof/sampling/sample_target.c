#include "memprof/sampling/sample_target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "memprof/machine/process.h"

void sample_target_init(struct sample_target *target, struct process_id id,
                        enum mem_backend backend)
{
    memset(target, 0, sizeof *target);
    target->id = id;
    target->backend = backend;
    target->last = target->hwm = target->written = target->old_hwm = -1;
    target->hwm_fd = -1;
}

/* ---- samples ---- */

static void close_reader(struct sample_target *target, struct reader_budget *budget)
{
    if (target->open) {
        mem_reader_release(&target->reader);
        budget->kept--;
    }
    target->open = 0;
}

int sample_target_open(struct sample_target *target, struct reader_budget *budget)
{
    pid_t task = process_living_task(target->id.pid);
    int error = task == 0 ? -ESRCH : mem_reader_init(&target->reader, task, target->backend);

    if (error != 0)
        return error;
    target->open = 1;
    budget->kept++;
    if (budget->kept > budget->most) {
        close_reader(target, budget);
        target->reader = (struct mem_reader){.pid = task, .backend = target->backend, .fd = -1};
    }
    return 0;
}

/* One read tells the parts, and so their sum as well. */
static int read_parts(struct sample_target *target, int64_t *bytes)
{
    int error = -ESRCH;

    /* That file is of the first thread, which may have ended. */
    if (target->hwm_fd >= 0)
        error = mem_parts_read_open(target->hwm_fd, &target->parts);
    if (error != 0)
        error = mem_parts_read(target->reader.pid, &target->parts);
    *bytes = target->parts.anonymous + target->parts.file + target->parts.shared;
    return error;
}

static int read_once(struct sample_target *target, int64_t *bytes)
{
    int error;

    if (target->in_parts)
        return read_parts(target, bytes);
    if (target->open)
        return mem_reader_read(&target->reader, bytes);
    error = mem_reader_init(&target->reader, target->reader.pid, target->backend);
    if (error != 0)
        return error;
    error = mem_reader_read(&target->reader, bytes);
    mem_reader_release(&target->reader);
    return error;
}

/* The pid may be another process by now; its start tells. */
static int is_still_there(const struct sample_target *target)
{
    struct process_info info;

    return process_read(target->id.pid, &info) == 0 && info.start == target->id.start;
}

/* The first thread has ended, others may live on. */
static int read_another_task(struct sample_target *target, struct reader_budget *budget,
                             int64_t *bytes)
{
    int error;

    close_reader(target, budget);
    error = sample_target_open(target, budget);
    return error == 0 ? read_once(target, bytes) : error;
}

int sample_target_read(struct sample_target *target, int64_t now_ns, struct reader_budget *budget)
{
    int64_t bytes = 0;
    /* A reader of pid 0 would read this process: it was never opened for another. */
    int error = target->reader.pid == 0 ? -ESRCH : read_once(target, &bytes);

    if (error == -ESRCH && is_still_there(target))
        error = read_another_task(target, budget, &bytes);
    target->error = error;
    if (error != 0)
        return error;
    target->last = bytes;
    if (bytes > target->largest) {
        target->largest = bytes;
        target->largest_ns = now_ns;
    }
    return 0;
}

/* ---- HWMs ---- */

void sample_target_ignore_hwm(struct sample_target *target)
{
    (void)mem_peak_read(target->id.pid, &target->old_hwm);
}

void sample_target_keep_hwm_open(struct sample_target *target)
{
    target->hwm_fd = mem_peak_open(target->id.pid);
}

void sample_target_raise_hwm(struct sample_target *target, int64_t bytes, int64_t now_ns)
{
    if (bytes <= target->hwm)
        return;
    target->hwm = bytes;
    target->hwm_ns = now_ns;
}

/* A HWM was read. 1: the line about it is not to wait for the end. */
static int note_hwm(struct sample_target *target, int64_t bytes, int64_t now_ns)
{
    int64_t known = target->largest > target->written ? target->largest : target->written;

    if (bytes <= target->old_hwm || bytes <= target->hwm)
        return 0;
    sample_target_raise_hwm(target, bytes, now_ns);
    /* A 256th and 64 KiB above what is known: a slow rise must not write a line for each look. */
    return bytes > known + known / 256 + 65536;
}

int sample_target_read_hwm(struct sample_target *target, int64_t now_ns)
{
    int64_t bytes;
    int error;

    if (target->ended || target->reader.pid == 0)
        return 0;
    error = target->hwm_fd >= 0 ? mem_peak_read_open(target->hwm_fd, &bytes)
                                : mem_peak_read(target->reader.pid, &bytes);
    return error == 0 && note_hwm(target, bytes, now_ns);
}

int sample_target_read_spike(struct sample_target *target, int64_t now_ns, int64_t *spike)
{
    int64_t bytes;

    *spike = -1;
    if (target->reader.pid == 0 || mem_peak_read(target->reader.pid, &bytes) != 0)
        return 0;
    (void)mem_peak_reset(target->reader.pid);
    /* Before the first sample there is no interval that the HWM could be about. */
    if (target->last >= 0)
        *spike = bytes;
    return note_hwm(target, bytes, now_ns);
}

int sample_target_peak(struct sample_target *target, int64_t *bytes, int64_t *when_ns)
{
    bool is_hwm = target->hwm > target->largest;

    *bytes = is_hwm ? target->hwm : target->largest;
    *when_ns = is_hwm ? target->hwm_ns : target->largest_ns;
    if (*bytes <= 0 || *bytes <= target->written)
        return 0;
    target->written = *bytes;
    return 1;
}

/* ---- the end ---- */

void sample_target_end(struct sample_target *target, struct reader_budget *budget)
{
    close_reader(target, budget);
    if (target->hwm_fd >= 0)
        close(target->hwm_fd);
    target->hwm_fd = -1;
    target->ended = 1;
}
