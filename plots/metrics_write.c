#include "plots/metrics_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/profile_peak.h"
#include "plots/json_text.h"
#include "plots/plot_text.h"

/* ---- text ---- */

/* The only escaping of the format. */
static void put_label(FILE *out, const char *name, const char *value)
{
    fprintf(out, "%s=\"", name);
    for (; *value != '\0'; value++)
        switch (*value) {
        case '\\':
            fputs("\\\\", out);
            break;
        case '"':
            fputs("\\\"", out);
            break;
        case '\n':
            fputs("\\n", out);
            break;
        default:
            putc(*value, out);
        }
    putc('"', out);
}

/* What stands once before all lines of a name. */
static void put_family(FILE *out, const char *name, const char *help)
{
    fprintf(out, "# HELP memprof_%s %s\n# TYPE memprof_%s gauge\n", name, help, name);
}

static void put_value(FILE *out, double value, int decimals)
{
    putc(' ', out);
    json_text_number(out, value, decimals);
    putc('\n', out);
}

static void put_plain(FILE *out, const char *name, const char *help, double value, int decimals)
{
    put_family(out, name, help);
    fprintf(out, "memprof_%s", name);
    put_value(out, value, decimals);
}

static void put_labelled(FILE *out, const char *name, const char *label, const char *text,
                         double mebibytes)
{
    fprintf(out, "memprof_%s{", name);
    put_label(out, label, text);
    putc('}', out);
    put_value(out, mebibytes * (1 << 20), 0);
}

/* ---- processes ---- */

static void put_process(FILE *out, const char *name, const char *what, bool has_pid, int64_t pid,
                        double mebibytes)
{
    fprintf(out, "memprof_%s{", name);
    put_label(out, "process", what);
    if (has_pid)
        fprintf(out, ",pid=\"%lld\"", (long long)pid);
    putc('}', out);
    put_value(out, mebibytes * (1 << 20), 0);
}

static void put_root(FILE *out, const char *name, const struct profile *profile, double mebibytes)
{
    bool has_run = profile->n_runs > 0;

    put_process(out, name, profile->is_sum ? "all" : "main", has_run,
                has_run ? profile->runs[profile->n_runs - 1].pid : 0, mebibytes);
}

static void put_memory(FILE *out, const struct profile *profile)
{
    put_family(out, "memory_bytes", "Memory at the last sample of the process.");
    put_root(out, "memory_bytes", profile, profile->samples.at[profile->samples.count - 1].memory);
    for (size_t i = 0; i < profile->n_processes; i++) {
        const struct profile_process *process = &profile->processes[i];
        size_t count = process->samples.count;

        if (count > 0)
            put_process(out, "memory_bytes", "child", true, process->pid,
                        process->samples.at[count - 1].memory);
    }
}

static void put_peaks(FILE *out, const struct profile *profile)
{
    struct profile_sample peak;

    put_family(out, "peak_bytes", "The most memory that the process had.");
    if (profile_peak_root(profile, &peak) == 0)
        put_root(out, "peak_bytes", profile, peak.memory);
    for (size_t i = 0; i < profile->n_processes; i++)
        if (profile->processes[i].samples.count > 0 &&
            profile_peak_process(profile, &profile->processes[i], &peak) == 0)
            put_process(out, "peak_bytes", "child", true, profile->processes[i].pid, peak.memory);
    if (profile_peak_sum(profile, &peak) == 0)
        put_plain(out, "sum_peak_bytes",
                  "The most memory of the program and its children together.",
                  peak.memory * (1 << 20), 0);
}

/* ---- what else was recorded ---- */

static void put_parts(FILE *out, const struct profile *profile)
{
    static const char *const names[PROFILE_PARTS] = {"anonymous", "file", "shared", "swap"};

    if (profile->parts[0].count == 0)
        return;
    put_family(out, "part_bytes", "What memory was made of at the last sample; swap is beside it.");
    for (size_t i = 0; i < PROFILE_PARTS; i++)
        put_labelled(out, "part_bytes", "part", names[i],
                     profile->parts[i].at[profile->parts[i].count - 1].memory);
}

static void put_limits(FILE *out, const struct profile *profile)
{
    static const char *const names[PROFILE_LIMITS] = {
        [PROFILE_CGROUP] = "cgroup", [PROFILE_ADDRESS] = "RLIMIT_AS"};
    bool has_family = false;

    for (size_t i = 0; i < PROFILE_LIMITS; i++) {
        const struct profile_notes *notes = &profile->limits[i];

        if (notes->count == 0 || !(notes->at[notes->count - 1].value > 0))
            continue;
        if (!has_family)
            put_family(out, "limit_bytes", "Limits of memory that held at the end.");
        has_family = true;
        put_labelled(out, "limit_bytes", "limit", names[i], notes->at[notes->count - 1].value);
    }
}

static void put_end(FILE *out, const struct profile *profile)
{
    const struct run_ending *ending = &profile->ending;
    double seconds = profile_duration(profile);

    put_plain(out, "samples", "How many samples of the program were taken.",
              (double)profile->samples.seen, 0);
    put_plain(out, "last_sample_timestamp_seconds", "When the last of them was taken.",
              profile->last_moment, 6);
    if (seconds >= 0)
        put_plain(out, "duration_seconds", "How long the program ran.", seconds, 6);
    if (profile->missed.count > 0)
        put_plain(out, "missed_deadlines", "Samples that could not be taken in time.",
                  profile->missed.at[profile->missed.count - 1].value, 0);
    if (ending->is_known)
        put_plain(out, ending->by_signal ? "end_signal" : "exit_status",
                  ending->by_signal ? "The signal that ended the program."
                                    : "The exit status of the program.",
                  ending->number, 0);
    if (ending->kills > 0)
        put_plain(out, "oom_kills", "Processes of its control group killed for memory.",
                  (double)ending->kills, 0);
}

static int put_info(FILE *out, const struct profile *profile)
{
    const char *line = profile->command_line != NULL ? profile->command_line : "";
    const char *backend = profile->n_runs > 0 ? profile->runs[profile->n_runs - 1].backend : "";
    char *command = plot_text_visible(line, strlen(line));

    if (command == NULL)
        return -ENOMEM;
    put_family(out, "info", "What was recorded, and what was read of it.");
    fputs("memprof_info{", out);
    put_label(out, "command", command);
    putc(',', out);
    put_label(out, "backend", backend);
    fputs("} 1\n", out);
    free(command);
    return 0;
}

int metrics_write(FILE *out, const struct profile *profile)
{
    int error;

    if (profile->samples.count == 0)
        return -ENODATA;
    error = put_info(out, profile);
    if (error != 0)
        return error;
    put_memory(out, profile);
    put_peaks(out, profile);
    put_parts(out, profile);
    put_limits(out, profile);
    put_end(out, profile);
    return fflush(out) != 0 || ferror(out) ? -EIO : 0;
}
