#include "mprof/recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "mprof/error_line.h"
#include "mprof/last_line.h"
#include "mprof/open_limit.h"
#include "mprof/profile_dir.h"
#include "plots/limit_text.h"

#define SECOND_NS INT64_C(1000000000)

/* How many names are tried when profiles of this second are there already: an hour's seconds. */
#define NAMES_TRIED 3600

static int wrong(const struct recorder *recorder, const char *text)
{
    error_line("mprof %s: %s", recorder->command->name, text);
    return 2;
}

static int wrong_number(const struct recorder *recorder, const char *text, double number)
{
    error_line("mprof %s: %s, not %.10g", recorder->command->name, text, number);
    return 2;
}

static int wrong_backend(const struct recorder *recorder, const char *name)
{
    error_line("mprof %s: --backend takes rss, pss or uss, not '%s'", recorder->command->name,
               name);
    return 2;
}

static int check_parts(const struct recorder *recorder)
{
    struct mem_parts parts;

    if (recorder->backend != MEM_RSS)
        return wrong(recorder, "--parts are parts of rss; other backends have none");
    if (mem_parts_read(0, &parts) == -ENOSYS)
        return wrong(recorder, "--parts cannot be had: this system does not tell them");
    return 0;
}

static int check_options(struct recorder *recorder, const struct record_options *options)
{
    int backend = mem_backend_find(options->backend);

    if (backend == MEM_TRACEMALLOC)
        return wrong(recorder, "--backend tracemalloc works inside Python alone");
    if (backend < 0)
        return wrong_backend(recorder, options->backend);
    recorder->backend = (enum mem_backend)backend;
    if (!(options->interval >= 0.0001 && options->interval <= 1e6))
        return wrong_number(recorder, "--interval must be from 0.0001 to 1000000 seconds",
                            options->interval);
    if (!(options->timeout >= 0 && options->timeout <= 1e9))
        return wrong_number(recorder, "--timeout must be from 0 (none) to 1000000000 seconds",
                            options->timeout);
    if (options->output != NULL && options->output[0] == '\0')
        return wrong(recorder, "--output needs the name of a file, not ''");
    if (options->spikes && recorder->backend != MEM_RSS)
        return wrong(recorder, "--spikes are spikes of rss; other backends have none");
    if (options->quiet && options->verbose)
        return wrong(recorder, "--quiet and --verbose exclude each other");
    if (options->quiet && options->top)
        return wrong(recorder, "--quiet and --top exclude each other");
    recorder->interval_ns = (int64_t)(options->interval * 1e9 + 0.5);
    return options->parts ? check_parts(recorder) : 0;
}

static int cannot_write(const struct recorder *recorder, int error)
{
    error_line("mprof: cannot write %s: %s", recorder->shown, open_limit_why(error));
    return 1;
}

/* `name` in the folder where the command was given, for programs that go elsewhere. */
static int make_absolute(struct recorder *recorder, const char *name)
{
    size_t length;

    if (name[0] == '/') {
        recorder->path[0] = '\0';
    } else {
        if (getcwd(recorder->path, sizeof recorder->path) == NULL)
            return -errno;
        strncat(recorder->path, "/", sizeof recorder->path - strlen(recorder->path) - 1);
    }
    length = strlen(recorder->path);
    if (length + strlen(name) >= sizeof recorder->path)
        return -ENAMETOOLONG;
    memcpy(recorder->path + length, name, strlen(name) + 1);
    recorder->shown = recorder->path + length;
    return 0;
}

static int decimals(const struct recorder *recorder)
{
    /*
     * Four decimals, 0.1 ms, are what others read and write; faster samples need more to be told
     * apart.
     */
    return recorder->interval_ns < SECOND_NS / 100 ? 6 : 4;
}

/* A name of its own, also for the second run within a second: the next second that is free. */
static int open_unique(struct recorder *recorder)
{
    char name[PROFILE_NAME_LENGTH + 1];
    time_t now = time(NULL);
    int error = -EEXIST;

    recorder->named_by_us = 1;
    for (time_t when = now; error == -EEXIST && when < now + NAMES_TRIED; when++) {
        profile_dir_name(when, name);
        error = make_absolute(recorder, name);
        if (error == 0)
            error = dat_writer_open(&recorder->writer, recorder->path, DAT_NEW, decimals(recorder));
    }
    return error;
}

static void say_overwriting(const char *name)
{
    char *visible = error_line_visible(name);

    dprintf(2, "mprof: overwriting %s\n", visible != NULL ? visible : "");
    free(visible);
}

static int open_given(struct recorder *recorder, const char *name)
{
    struct stat info;
    int error = make_absolute(recorder, name), overwrites;

    if (error != 0)
        return error;
    /* Looked at before it is opened: opening empties it. */
    overwrites = stat(name, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0;
    error = dat_writer_open(&recorder->writer, recorder->path, DAT_TRUNCATE, decimals(recorder));
    if (error == 0 && overwrites && !recorder->options->quiet)
        say_overwriting(name);
    return error;
}

/* As recorder_open(). */
static int open_profile(struct recorder *recorder, const char *output)
{
    struct open_limit limit;
    int error;

    /* Before there is a program: what the kernel kills from now on may be that. */
    end_watch_init(&recorder->end, 0);
    open_limit_begin(&limit);
    error = output != NULL ? open_given(recorder, output) : open_unique(recorder);
    open_limit_end(&limit);
    if (error != 0)
        return cannot_write(recorder, error);
    error = live_page_open(&recorder->live, recorder->path, recorder->shown);
    if (error != 0)
        recorder_release(recorder, 0);
    return error;
}

int recorder_open(struct recorder *recorder, const struct command *command,
                  const struct record_options *options)
{
    int error;

    memset(recorder, 0, sizeof *recorder);
    recorder->command = command;
    recorder->options = options;
    recorder->writer.fd = -1;
    recorder->shown = options->output != NULL ? options->output : "a profile in this folder";
    error = check_options(recorder, options);
    if (error != 0)
        return error;
    error = live_page_check(&recorder->live, command, options->live, options->output);
    if (error == 0)
        error = open_profile(recorder, options->output);
    if (error != 0)
        live_page_release(&recorder->live);
    return error;
}

int recorder_announce(struct recorder *recorder, char *const argv[])
{
    int error = dat_writer_cmdline(&recorder->writer, argv);

    if (error == 0)
        error = dat_writer_flush(&recorder->writer);
    return error != 0 ? cannot_write(recorder, error) : 0;
}

/*
 * Python prints 1.0 and 0.1; so do we. Not through stdio: whether somebody reads what is said here
 * does not matter.
 */
void recorder_say(const struct recorder *recorder, const char *begins)
{
    char seconds[40];

    if (recorder->options->quiet)
        return;
    snprintf(seconds, sizeof seconds, "%.10g", recorder->options->interval);
    dprintf(2, "mprof: Sampling memory every %s%ss\n%s\n", seconds,
            strpbrk(seconds, ".e") != NULL ? "" : ".0", begins);
}

static const char *how(const struct record_options *options, int attached)
{
    static const char *const names[2][4] = {
        {"process", "sum", "each", "sum+each"},
        {"process+attach", "sum+attach", "each+attach", "sum+each+attach"},
    };

    return names[attached][options->sum + 2 * options->each];
}

/* Readers of many descendants need descriptors; the program has its own limit since the fork. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The limits of memory that the program starts under. */
static void say_limits(const struct recorder *recorder)
{
    char texts[PROFILE_LIMITS][PLOT_NUMBER_SIZE] = {"none", "none"};

    for (int i = 0; i < PROFILE_LIMITS; i++)
        if (recorder->end.limits[i] > 0)
            limit_text(recorder->end.limits[i], texts[i]);
    dprintf(2, "mprof: %s %s; %s %s\n", limit_text_name(PROFILE_CGROUP), texts[PROFILE_CGROUP],
            limit_text_name(PROFILE_ADDRESS), texts[PROFILE_ADDRESS]);
}

int recorder_start(struct recorder *recorder, pid_t pid, int attached, const char *variable)
{
    struct sampler_options options = {
        .root = pid,
        .backend = recorder->backend,
        .interval_ns = recorder->interval_ns,
        .sum = recorder->options->sum,
        .each = recorder->options->each,
        .spikes = recorder->options->spikes,
        .parts = recorder->options->parts,
        .attached = attached,
        .variable = variable,
    };
    int error;

    raise_descriptor_limit();
    /* Behind the start of the program, which is not to inherit it. */
    oom_kills_spare_me();
    error = sampler_init(&recorder->sampler, &options, &recorder->writer);
    if (error != 0)
        return error;
    recorder->sampling = 1;
    error = dat_writer_run(&recorder->writer, pid, recorder->interval_ns,
                           mem_backend_name(recorder->backend), how(recorder->options, attached),
                           sampler_memory(&recorder->sampler), recorder->sampler.start_wall_ns);
    /* At once: a program like `true` has ended before the first deadline. */
    (void)sampler_step(&recorder->sampler);
    if (attached)
        end_watch_init(&recorder->end, pid);
    else
        end_watch_look(&recorder->end, &recorder->sampler, pid);
    end_watch_limits(&recorder->end, &recorder->sampler, pid);
    if (recorder->options->verbose)
        say_limits(recorder);
    if (error == 0)
        live_page_start(&recorder->live);
    return error;
}

/* Ctrl-Z: the shell gets its terminal as it was, and this process stops as it would have. */
static void stop(struct progress *progress)
{
    sigset_t stops;

    progress_hide(progress);
    sigemptyset(&stops);
    sigaddset(&stops, SIGTSTP);
    (void)raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stops, NULL);
    sigprocmask(SIG_BLOCK, &stops, NULL);
}

/* Hands the signals on. 1: there is no relay, and sampling is to end. */
static int take_signals(struct recorder *recorder, struct child_wait *watch,
                        struct signal_relay *relay)
{
    int signal;

    while ((signal = child_wait_signal(watch)) != 0) {
        if (signal == SIGTSTP)
            stop(&recorder->progress);
        else if (relay == NULL)
            return 1;
        else
            signal_relay_got(relay, signal, clock_monotonic_ns());
    }
    return 0;
}

static int64_t earlier(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

/* When there is nothing more to sample, on the monotonic clock. */
static int64_t sampling_end(const struct recorder *recorder)
{
    if (!recorder->sampling)
        return 0;
    if (recorder->options->timeout == 0)
        return INT64_MAX;
    return recorder->sampler.start_ns + (int64_t)(recorder->options->timeout * 1e9);
}

/* The process has ended, and its control group can still be told. */
static int note_end(struct recorder *recorder, pid_t pid)
{
    if (recorder->sampling)
        end_watch_look(&recorder->end, &recorder->sampler, pid);
    return 1;
}

static void take_samples(struct recorder *recorder, pid_t pid, int64_t now_ns)
{
    (void)sampler_step(&recorder->sampler);
    end_watch_step(&recorder->end, &recorder->sampler, pid, now_ns);
    if (!recorder->options->sum && !recorder->options->each)
        child_count_step(&recorder->uncounted, pid, now_ns);
}

static int64_t larger(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

static void show_progress(struct recorder *recorder, int64_t now_ns)
{
    const struct sampler *sampler = &recorder->sampler;
    const struct sample_target *root = &sampler->targets[0];
    bool follows = recorder->options->sum || recorder->options->each;
    struct progress_facts facts = {
        .elapsed_ns = now_ns - sampler->start_ns,
        .now_bytes = sampler_now(sampler),
        .peak_bytes = larger(sampler->sum_bytes, larger(root->hwm, root->largest)),
        .processes = follows ? sampler->count : 1 + recorder->uncounted.alive,
        .one_measured = !follows,
    };

    progress_show(&recorder->progress, &facts, now_ns);
}

/* Once no samples are taken there is nothing to tell. */
static void step_progress(struct recorder *recorder, int64_t now_ns, bool over)
{
    if (over)
        progress_hide(&recorder->progress);
    else if (recorder->sampler.samples > 0 && now_ns >= progress_due(&recorder->progress))
        show_progress(recorder, now_ns);
}

/* As recorder_run(). */
static int sample_to_end(struct recorder *recorder, struct child_wait *watch,
                         struct signal_relay *relay)
{
    int64_t end_ns = sampling_end(recorder);

    for (;;) {
        int64_t now_ns, deadline_ns = INT64_MAX;
        int events, over = clock_monotonic_ns() >= end_ns;

        if (over && relay == NULL)
            return 0;
        if (!over)
            deadline_ns = earlier(earlier(end_ns, progress_due(&recorder->progress)),
                                  sampler_deadline(&recorder->sampler));
        if (relay != NULL)
            deadline_ns = earlier(deadline_ns, signal_relay_deadline(relay));
        /* Asked in each round: the relay closes its pipe when the witness was killed. */
        watch->pipe_fd = relay != NULL ? relay->report_fd : -1;
        events = child_wait_next(watch, deadline_ns);
        if (events < 0 || (events & CHILD_WAIT_END) != 0)
            return note_end(recorder, watch->pid);
        process_collect_orphans(watch->pid);
        now_ns = clock_monotonic_ns();
        if ((events & CHILD_WAIT_SIGNAL) != 0 && take_signals(recorder, watch, relay))
            return 0;
        if ((events & CHILD_WAIT_PIPE) != 0)
            signal_relay_listen(relay, now_ns);
        if (relay != NULL)
            signal_relay_decide(relay, watch->pid, now_ns);
        /* The wait may have gone past the end: no sample comes after it. */
        if (!over && now_ns < end_ns && now_ns >= sampler_deadline(&recorder->sampler))
            take_samples(recorder, watch->pid, now_ns);
        step_progress(recorder, now_ns, over || now_ns >= end_ns);
    }
}

int recorder_run(struct recorder *recorder, struct child_wait *watch, struct signal_relay *relay)
{
    int has_ended;

    progress_init(&recorder->progress, recorder->options, clock_monotonic_ns());
    if (recorder->options->top)
        progress_show_top(&recorder->progress, recorder->path, recorder->shown);
    has_ended = sample_to_end(recorder, watch, relay);
    progress_release(&recorder->progress);
    return has_ended;
}

int recorder_cannot_read(const char *whose, int error)
{
    error_line("mprof: cannot read the memory of %s: %s", whose,
               error == -ENOENT ? "/proc is not mounted" : strerror(-error));
    return 1;
}

void recorder_finish(struct recorder *recorder, const struct process_end *end)
{
    /* Of a process that is not ours the system does not tell the peak when it ends. */
    sampler_finish(&recorder->sampler, end != NULL ? end->peak_bytes : -1);
    end_watch_finish(&recorder->end, &recorder->sampler, end);
    live_page_end(&recorder->live);
}

static void print_uncounted(const struct recorder *recorder)
{
    size_t count = recorder->uncounted.count;

    if (count > 0)
        error_line("mprof: %s%zu child process%s not counted: -C adds %s memory, -M records %s",
                   count == CHILD_COUNT_MOST ? "at least " : "", count,
                   count == 1 ? " was" : "es were", count == 1 ? "its" : "their",
                   count == 1 ? "it beside the program" : "each");
}

int recorder_report(struct recorder *recorder, const struct process_end *end)
{
    const struct sampler *sampler = &recorder->sampler;
    /* Before what takes its time: looking for open calls reads the whole profile. */
    struct last_line line = {sampler,
                             end,
                             &recorder->end.ending,
                             recorder->end.limits,
                             recorder->shown,
                             recorder->named_by_us,
                             clock_monotonic_ns() - sampler->start_ns};

    if (sampler->unreadable > 0)
        error_line("mprof: %lld readings were refused: processes of other users",
                   (long long)sampler->unreadable);
    if (sampler->write_error != 0)
        error_line("mprof: cannot write %s: %s; %lld samples are missing", recorder->shown,
                   strerror(-sampler->write_error), (long long)sampler->unwritten);
    if (!recorder->options->quiet) {
        end_watch_report(&recorder->end, sampler);
        print_uncounted(recorder);
        last_line_print(&line);
    }
    return live_page_wait(&recorder->live) != 0 || sampler->write_error != 0 ? 1 : 0;
}

void recorder_release(struct recorder *recorder, int keep)
{
    live_page_release(&recorder->live);
    if (recorder->sampling)
        sampler_release(&recorder->sampler);
    if (recorder->writer.fd >= 0)
        dat_writer_release(&recorder->writer);
    /* A name that the user gave may be a file that was there before. */
    if (!keep && recorder->named_by_us)
        (void)unlink(recorder->path);
}
