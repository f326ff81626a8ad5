#include "memprof/profile/live_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void live_run_release(struct live_run *run)
{
    free(run->command);
    open_set_release(&run->open);
    type_counts_release(&run->types);
    *run = (struct live_run){0};
}

void live_run_peak(struct live_run *run, double memory, double moment)
{
    if (memory > run->peak.memory)
        run->peak = (struct profile_sample){memory, moment};
}

void live_run_sample(struct live_run *run, double memory, double moment)
{
    if (run->samples++ == 0 && run->start == 0)
        run->start = moment;
    run->last = (struct profile_sample){memory, moment};
    peak_curve_add(&run->curve, memory, moment);
    live_run_peak(run, memory, moment);
}

/* A run begins; what belongs to one before it is over. */
static int begin_run(struct live_run *run, const struct dat_record *record)
{
    if (run->samples > 0)
        live_run_release(run);
    if (record->kind == DAT_RUN) {
        run->pid = record->pid;
        run->start = record->moment;
        run->interval = record->value;
        run->sum = memmem(record->text, record->length, "sum", 3) != NULL;
        run->attached = memmem(record->text, record->length, "attach", 6) != NULL;
        run->last = (struct profile_sample){record->memory, record->moment};
        return 0;
    }
    free(run->command);
    run->command = strndup(record->text, record->length);
    return run->command == NULL ? -ENOMEM : 0;
}

static void take_limit(struct live_run *run, const struct dat_record *record)
{
    static const char *const names[PROFILE_LIMITS] = {
        [PROFILE_CGROUP] = "cgroup", [PROFILE_ADDRESS] = "address"};

    for (int i = 0; i < PROFILE_LIMITS; i++)
        if (record->length == strlen(names[i]) &&
            memcmp(record->text, names[i], record->length) == 0)
            run->limits[i] = record->limit;
}

static void take_fact(struct live_run *run, const struct dat_record *record)
{
    switch (record->kind) {
    case DAT_PEAK:
    case DAT_SPIKE:
        /* The mark of one process says nothing about a sum. */
        if (!run->sum && record->pid == run->pid)
            live_run_peak(run, record->memory, record->moment);
        break;
    case DAT_LIMIT:
        take_limit(run, record);
        break;
    case DAT_OOM:
        run_ending_add_kills(&run->ending, (int64_t)record->value, record->limit, record->moment);
        break;
    case DAT_END:
        run_ending_set(&run->ending, record->length == strlen("signal"), (int)record->value,
                       record->moment);
        break;
    default:
        break;
    }
}

int live_run_visit(void *context, const struct dat_record *record)
{
    struct live_run *run = context;

    switch (record->kind) {
    case DAT_CMDLINE:
    case DAT_RUN:
        return begin_run(run, record);
    case DAT_MEM:
        live_run_sample(run, record->memory, record->moment);
        return 0;
    case DAT_BEGIN:
    case DAT_FUNC:
        return open_set_visit(&run->open, record);
    case DAT_TYPE:
        return type_counts_add(&run->types, record);
    default:
        take_fact(run, record);
        return 0;
    }
}
