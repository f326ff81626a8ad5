#include "plots/trace_write.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/ending_text.h"
#include "plots/json_text.h"
#include "plots/limit_text.h"
#include "plots/number.h"
#include "plots/plot_text.h"
#include "plots/span_name.h"

/* Slices of one lane contain each other or do not touch; those of threads need others. Beyond so
 * many a call is an event of its own ("b", "e"), which needs no lane. */
#define LANES 64

#define NO_PID 1

struct trace {
    FILE *out;
    const struct profile *profile;
    double zero; /* the earliest moment */
    const char *between;
    size_t run; /* of the moment looked at last */
};

/* ---- moments ---- */

static void widen(double *earliest, const struct profile_samples *samples)
{
    if (samples->count > 0)
        *earliest = smaller(*earliest, samples->at[0].moment);
}

static double earliest_moment(const struct profile *profile)
{
    double earliest = INFINITY;

    widen(&earliest, &profile->samples);
    for (size_t i = 0; i < profile->n_processes; i++) {
        widen(&earliest, &profile->processes[i].samples);
        widen(&earliest, &profile->processes[i].peaks);
        widen(&earliest, &profile->processes[i].spikes);
    }
    widen(&earliest, &profile->parts[0]);
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < profile->limits[i].count; j++)
            earliest = smaller(earliest, profile->limits[i].at[j].moment);
    for (size_t i = 0; i < profile->n_spans; i++)
        earliest = smaller(earliest, profile->spans[i].begin);
    if (profile->ending.is_known)
        earliest = smaller(earliest, profile->ending.moment);
    return earliest;
}

/* Whole microseconds: so an end that is another's begin is that in the trace, too. */
static double microseconds(const struct trace *trace, double moment)
{
    return nearest_whole((moment - trace->zero) * 1e6);
}

/* Whose a moment is. They are asked for in order; a look back begins anew. */
static int64_t root_at(struct trace *trace, double moment)
{
    const struct profile *profile = trace->profile;

    if (profile->n_runs == 0)
        return NO_PID;
    if (moment < profile->runs[trace->run].moment)
        trace->run = 0;
    while (trace->run + 1 < profile->n_runs && profile->runs[trace->run + 1].moment <= moment)
        trace->run++;
    return profile->runs[trace->run].pid;
}

/* ---- events ---- */

static void begin_event(struct trace *trace, char phase, const char *name, int64_t pid)
{
    fprintf(trace->out, "%s{\"ph\":\"%c\",\"pid\":%lld,\"name\":", trace->between, phase,
            (long long)pid);
    json_text_string(trace->out, name);
    trace->between = ",\n";
}

static void put_moment(const struct trace *trace, double moment)
{
    fputs(",\"ts\":", trace->out);
    json_text_number(trace->out, microseconds(trace, moment), 0);
}

static void put_counter(struct trace *trace, const char *name, int64_t pid,
                        const struct profile_sample *sample)
{
    begin_event(trace, 'C', name, pid);
    put_moment(trace, sample->moment);
    fputs(",\"args\":{\"MiB\":", trace->out);
    json_text_number(trace->out, sample->memory, 6);
    fputs("}}", trace->out);
}

static void put_counters(struct trace *trace, const char *name, int64_t pid,
                         const struct profile_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        put_counter(trace, name, pid, &samples->at[i]);
}

static void put_root(struct trace *trace)
{
    const struct profile *profile = trace->profile;
    const char *name = profile->is_sum ? "memory with children" : "memory";

    for (size_t i = 0; i < profile->samples.count; i++)
        put_counter(trace, name, root_at(trace, profile->samples.at[i].moment),
                    &profile->samples.at[i]);
    for (size_t i = 0; i < PROFILE_LIMITS; i++)
        for (size_t j = 0; j < profile->limits[i].count; j++) {
            const struct profile_note *note = &profile->limits[i].at[j];
            struct profile_sample limit = {note->value, note->moment};

            put_counter(trace, limit_text_name((enum profile_limit)i), root_at(trace, note->moment),
                        &limit);
        }
}

/* A counter of several numbers is drawn as a stack. */
static void put_parts(struct trace *trace)
{
    static const char *const names[PROFILE_PARTS] = {"anonymous", "file", "shared", "swap"};
    const struct profile_samples *parts = trace->profile->parts;

    for (size_t i = 0; i < parts[0].count; i++) {
        begin_event(trace, 'C', "parts of memory", root_at(trace, parts[0].at[i].moment));
        put_moment(trace, parts[0].at[i].moment);
        for (size_t part = 0; part < PROFILE_PARTS; part++) {
            fprintf(trace->out, "%s\"%s\":", part == 0 ? ",\"args\":{" : ",", names[part]);
            json_text_number(trace->out, parts[part].at[i].memory, 6);
        }
        fputs("}}", trace->out);
    }
}

static void put_processes(struct trace *trace)
{
    for (size_t i = 0; i < trace->profile->n_processes; i++) {
        const struct profile_process *process = &trace->profile->processes[i];

        put_counters(trace, "memory", process->pid, &process->samples);
        put_counters(trace, "peak so far", process->pid, &process->peaks);
        put_counters(trace, "spikes", process->pid, &process->spikes);
    }
}

/* ---- names of processes ---- */

static void put_name(struct trace *trace, const char *kind, int64_t pid, size_t tid,
                     const char *name)
{
    begin_event(trace, 'M', kind, pid);
    fprintf(trace->out, ",\"tid\":%zu,\"args\":{\"name\":", tid);
    json_text_string(trace->out, name);
    fputs("}}", trace->out);
}

static void put_names(struct trace *trace, const char *program)
{
    const struct profile *profile = trace->profile;

    for (size_t i = 0; i < profile->n_runs; i++)
        put_name(trace, "process_name", profile->runs[i].pid, 0, program);
    if (profile->n_runs == 0)
        put_name(trace, "process_name", NO_PID, 0, program);
    for (size_t i = 0; i < profile->n_processes; i++)
        if (!profile->processes[i].is_root &&
            !(profile->n_runs == 0 && profile->processes[i].pid == NO_PID))
            put_name(trace, "process_name", profile->processes[i].pid, 0, "child");
}

/* ---- slices ---- */

/* Of each lane the slices that are open, the innermost first. */
struct lanes {
    size_t *below; /* owned: of each span the one around it, + 1 */
    size_t top[LANES];
    size_t n_lanes; /* that were used */
};

static double end_of(const struct profile_span *span)
{
    return span->open ? INFINITY : larger(span->end, span->begin);
}

/* The first lane in which the span lies in what is open, and not across its end. LANES: none. */
static size_t place(struct lanes *lanes, const struct profile *profile, size_t at)
{
    const struct profile_span *span = &profile->spans[at];

    for (size_t lane = 0; lane < LANES; lane++) {
        size_t *top = &lanes->top[lane];

        while (*top > 0 && end_of(&profile->spans[*top - 1]) <= span->begin)
            *top = lanes->below[*top - 1];
        if (*top > 0 && end_of(&profile->spans[*top - 1]) < end_of(span))
            continue;
        lanes->below[at] = *top;
        *top = at + 1;
        if (lane >= lanes->n_lanes)
            lanes->n_lanes = lane + 1;
        return lane;
    }
    return LANES;
}

static void put_memory_of(struct trace *trace, const struct profile_span *span)
{
    fputs(",\"args\":{\"begin MiB\":", trace->out);
    json_text_number(trace->out, span->memory_begin, 4);
    if (!span->open) {
        fputs(",\"end MiB\":", trace->out);
        json_text_number(trace->out, span->memory_end, 4);
    }
    fputs("}}", trace->out);
}

/* One that has no lane, as the two ends of an event that is known by its number. */
static void put_ends(struct trace *trace, const char *name, const char *category, size_t at)
{
    const struct profile_span *span = &trace->profile->spans[at];
    int64_t pid = root_at(trace, span->begin);

    begin_event(trace, 'b', name, pid);
    fprintf(trace->out, ",\"tid\":0,\"cat\":\"%s\",\"id\":\"%zu\"", category, at);
    put_moment(trace, span->begin);
    put_memory_of(trace, span);
    if (span->open)
        return;
    begin_event(trace, 'e', name, pid);
    fprintf(trace->out, ",\"tid\":0,\"cat\":\"%s\",\"id\":\"%zu\"", category, at);
    put_moment(trace, larger(span->end, span->begin));
    putc('}', trace->out);
}

static int put_span(struct trace *trace, struct lanes *lanes, size_t at)
{
    const struct profile_span *span = &trace->profile->spans[at];
    bool is_block = span_name_is_block(span->name);
    const char *category = is_block ? "block" : "function", *text = span->name + is_block;
    char *name = plot_text_visible(text, strlen(text));
    size_t lane = place(lanes, trace->profile, at);

    if (name == NULL)
        return -ENOMEM;
    if (lane == LANES) {
        put_ends(trace, name, category, at);
    } else {
        begin_event(trace, span->open ? 'B' : 'X', name, root_at(trace, span->begin));
        fprintf(trace->out, ",\"tid\":%zu,\"cat\":\"%s\"", lane + 1, category);
        put_moment(trace, span->begin);
        if (!span->open) {
            fputs(",\"dur\":", trace->out);
            json_text_number(trace->out,
                             microseconds(trace, larger(span->end, span->begin)) -
                                 microseconds(trace, span->begin),
                             0);
        }
        put_memory_of(trace, span);
    }
    free(name);
    return 0;
}

static void name_lanes(struct trace *trace, const struct lanes *lanes)
{
    size_t runs = trace->profile->n_runs;
    char name[40];

    for (size_t lane = 0; lane < lanes->n_lanes; lane++) {
        snprintf(name, sizeof name, lane == 0 ? "marked calls" : "marked calls %zu", lane + 1);
        for (size_t run = 0; run < runs; run++)
            put_name(trace, "thread_name", trace->profile->runs[run].pid, lane + 1, name);
        if (runs == 0)
            put_name(trace, "thread_name", NO_PID, lane + 1, name);
    }
}

static int put_spans(struct trace *trace)
{
    size_t count = trace->profile->n_spans;
    struct lanes lanes = {.below = calloc(count + 1, sizeof *lanes.below)};
    int error = lanes.below == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < count && error == 0; i++)
        error = put_span(trace, &lanes, i);
    if (error == 0)
        name_lanes(trace, &lanes);
    free(lanes.below);
    return error;
}

/* ---- all of it ---- */

static void put_ending(struct trace *trace)
{
    const struct run_ending *ending = &trace->profile->ending;
    char text[ENDING_TEXT_SIZE];

    ending_text(ending, text);
    if (*text == '\0' || !ending->is_known)
        return;
    begin_event(trace, 'i', text, root_at(trace, ending->moment));
    fputs(",\"tid\":0,\"s\":\"p\"", trace->out);
    put_moment(trace, ending->moment);
    putc('}', trace->out);
}

static void put_other(struct trace *trace, const char *command)
{
    fputs("\n],\"displayTimeUnit\":\"ms\",\"otherData\":{\"command\":", trace->out);
    json_text_string(trace->out, command);
    fputs(",\"start\":", trace->out);
    json_text_number(trace->out, trace->zero, 6);
    fputs("}}\n", trace->out);
}

int trace_write(FILE *out, const struct profile *profile, const char *title, bool no_functions)
{
    struct trace trace = {out, profile, earliest_moment(profile), "", 0};
    const char *line = profile->command_line != NULL ? profile->command_line : "";
    char *command = plot_text_visible(line, strlen(line));
    char *program = title != NULL ? plot_text_visible(title, strlen(title)) : NULL;
    int error = command == NULL || (title != NULL && program == NULL) ? -ENOMEM : 0;

    if (error == 0 && trace.zero == INFINITY)
        error = -ENODATA;
    if (error == 0) {
        fputs("{\"traceEvents\":[\n", out);
        put_names(&trace, program != NULL ? program : command);
        put_root(&trace);
        put_parts(&trace);
        put_processes(&trace);
        error = no_functions ? 0 : put_spans(&trace);
        put_ending(&trace);
        put_other(&trace, command);
    }
    free(command);
    free(program);
    if (error == 0 && (fflush(out) != 0 || ferror(out)))
        error = -EIO;
    return error;
}
