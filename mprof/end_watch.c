#include "mprof/end_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/profile/open_spans.h"
#include "mprof/error_line.h"
#include "plots/ending_text.h"
#include "plots/span_name.h"

/* A program that goes to a group of its own, as by systemd-run, does so at its start. */
#define FIRST_PAUSE_NS INT64_C(10000000)
#define LONGEST_PAUSE_NS INT64_C(1000000000)

/* How many open calls are named. */
#define CALLS_NAMED 3

static void read_limits(const struct end_watch *watch, pid_t pid, int64_t limits[PROFILE_LIMITS])
{
    limits[PROFILE_CGROUP] = watch->can_look ? oom_kills_limit(&watch->kills) : 0;
    limits[PROFILE_ADDRESS] = process_address_limit(pid);
}

void end_watch_init(struct end_watch *watch, pid_t pid)
{
    *watch = (struct end_watch){.pause_ns = FIRST_PAUSE_NS};
    watch->can_look = oom_kills_init(&watch->kills, "", pid) == 0;
    /* A program that has ended before it is looked at had those of mprof. */
    read_limits(watch, pid, watch->limits);
}

void end_watch_look(struct end_watch *watch, struct sampler *sampler, pid_t pid)
{
    int64_t now_ns = clock_monotonic_ns();
    struct oom_news news;

    watch->due_ns = now_ns + watch->pause_ns;
    if (watch->pause_ns < LONGEST_PAUSE_NS)
        watch->pause_ns *= 2;
    if (!watch->can_look)
        return;
    oom_kills_look(&watch->kills, pid, &news);
    if (news.kills == 0)
        return;
    sampler_note_kills(sampler, news.kills, news.limit, now_ns);
    run_ending_add_kills(&watch->ending, news.kills, news.limit, sampler_moment(sampler, now_ns));
}

/* One that has ended seems to be in no group: what is read of it then is not its limit. */
static bool is_alive(pid_t pid)
{
    struct process_info info;

    return process_read(pid, &info) == 0 && !info.zombie;
}

void end_watch_limits(struct end_watch *watch, struct sampler *sampler, pid_t pid)
{
    static const char *const names[PROFILE_LIMITS] = {
        [PROFILE_CGROUP] = "cgroup", [PROFILE_ADDRESS] = "address"};
    int64_t now_ns = clock_monotonic_ns(), limits[PROFILE_LIMITS];

    read_limits(watch, pid, limits);
    if (is_alive(pid))
        memcpy(watch->limits, limits, sizeof limits);
    for (int i = 0; i < PROFILE_LIMITS; i++) {
        if (watch->limits[i] != watch->written[i])
            sampler_note_limit(sampler, names[i], watch->limits[i], now_ns);
        watch->written[i] = watch->limits[i];
    }
}

void end_watch_step(struct end_watch *watch, struct sampler *sampler, pid_t pid, int64_t now_ns)
{
    if (now_ns < watch->due_ns)
        return;
    end_watch_look(watch, sampler, pid);
    end_watch_limits(watch, sampler, pid);
}

void end_watch_finish(struct end_watch *watch, struct sampler *sampler,
                      const struct process_end *end)
{
    int64_t now_ns = clock_monotonic_ns();

    end_watch_look(watch, sampler, 0);
    if (end != NULL) {
        bool by_signal = WIFSIGNALED(end->status);
        int number = by_signal ? WTERMSIG(end->status) : WEXITSTATUS(end->status);

        run_ending_set(&watch->ending, by_signal, number, sampler_moment(sampler, now_ns));
        sampler_note_end(sampler, by_signal, number, now_ns);
    }
    sampler_flush(sampler);
}

/* ---- the line ---- */

static void print_call(FILE *out, const struct open_span *span, const struct sampler *sampler)
{
    double since = span->begin - sampler_moment(sampler, sampler->start_ns);
    const char *name = span_name_short(span->name);

    fprintf(out, span_name_is_block(span->name) ? " · in '%s'" : " · in %s()", name);
    fprintf(out, " since %.1f s", since > 0 ? since : 0);
}

/* The calls and blocks that were open, from the inside out; to be freed. NULL: none, or no memory.
 */
static char *calls_text(const struct sampler *sampler)
{
    const struct dat_writer *writer = sampler->writer;
    struct open_spans calls;
    char *text = NULL;
    size_t size;
    FILE *out;

    /* Its own descriptor: the name may be another file by now. Lines are appended wherever it
     * stands. */
    if (!writer->reads_back || lseek(writer->fd, 0, SEEK_SET) != 0)
        return NULL;
    /* After an error, too: what was read until then is so. */
    (void)open_spans_read(writer->fd, &calls);
    out = calls.count > 0 ? open_memstream(&text, &size) : NULL;
    if (out != NULL) {
        for (size_t i = 0; i < calls.count && i < CALLS_NAMED; i++)
            print_call(out, &calls.spans[i], sampler);
        if (calls.count > CALLS_NAMED)
            fprintf(out, " · and %zu more", calls.count - CALLS_NAMED);
        (void)fclose(out);
    }
    open_spans_release(&calls);
    return text;
}

void end_watch_report(const struct end_watch *watch, const struct sampler *sampler)
{
    char text[ENDING_TEXT_SIZE], brief[ENDING_TEXT_SIZE], *calls = NULL;

    ending_text(&watch->ending, text);
    if (*text == '\0')
        return;
    ending_text_brief(&watch->ending, brief);
    /* What a program that ended well had open is no news: it never says so of its last calls. */
    if (watch->ending.by_signal || watch->ending.number != 0)
        calls = calls_text(sampler);
    if (calls != NULL || strcmp(text, brief) != 0)
        error_line("mprof: %s%s", text, calls != NULL ? calls : "");
    free(calls);
}
