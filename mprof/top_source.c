#include "mprof/top_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/process.h"
#include "mprof/error_line.h"
#include "plots/ending_text.h"
#include "plots/plot_text.h"

#define SECOND_NS INT64_C(1000000000)
#define MEBIBYTE (1 << 20)

/* A run without a sample for so many seconds, and intervals, says nothing any more. */
#define SILENT_S 3
#define SILENT_INTERVALS 3

/* Who has no pid and is silent for so long will say nothing more. */
#define GONE_S 10

/* Between the start of a program and that of its recording, and what clocks differ. */
#define START_S 60
#define CLOCK_S 2

/* How long the last lines of a recording may take behind the end of its program. */
#define LAST_LINES_NS SECOND_NS

static double wall_seconds(void)
{
    return (double)clock_wall_ns() / 1e9;
}

static double mebibytes(int64_t bytes)
{
    return (double)bytes / MEBIBYTE;
}

/* ---- a file ---- */

static const char *why_no_profile(const struct stat *info)
{
    return S_ISDIR(info->st_mode) ? "it is a folder" : "it is no file";
}

int top_source_file(struct top_source *source, const char *file)
{
    struct stat info;

    *source = (struct top_source){.file = file, .family = {.reader = {.fd = -1}}};
    dat_scanner_init(&source->scanner, live_run_visit, &source->run, &source->counts);
    /* Nobody may write to a pipe: it is not waited for, and refused. */
    source->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source->fd < 0 || fstat(source->fd, &info) != 0) {
        error_line("mprof top: cannot read %s: %s%s", error_line_name(file), strerror(errno),
                   errno == ENOENT ? " (-a finds a process by its name)" : "");
        return 1;
    }
    if (!S_ISREG(info.st_mode)) {
        error_line("mprof top: cannot read %s: %s", error_line_name(file), why_no_profile(&info));
        return 1;
    }
    return 0;
}

static size_t n_last(const struct top_source *source)
{
    return source->read < TOP_LAST_SIZE ? (size_t)source->read : TOP_LAST_SIZE;
}

/* The last bytes that were read, as they stand there now. */
static bool read_last(const struct top_source *source, char last[TOP_LAST_SIZE])
{
    size_t n = n_last(source);

    return pread(source->fd, last, n, source->read - (off_t)n) == (ssize_t)n;
}

/* Opens the file that has the name now, if that is another one: false. */
static bool is_still_there(struct top_source *source)
{
    struct stat info, named;
    int fd;

    if (fstat(source->fd, &info) != 0 || stat(source->file, &named) != 0 ||
        !S_ISREG(named.st_mode) || (info.st_ino == named.st_ino && info.st_dev == named.st_dev))
        return true;
    fd = open(source->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return true;
    close(source->fd);
    source->fd = fd;
    return false;
}

/* Whether what was read stands there still, and perhaps more behind it. */
static bool is_what_was_read(const struct top_source *source)
{
    char last[TOP_LAST_SIZE];

    return read_last(source, last) && memcmp(last, source->last, n_last(source)) == 0;
}

/* Another run begins at its beginning. */
static int read_file(struct top_source *source)
{
    int error;

    if (!is_still_there(source) || !is_what_was_read(source)) {
        live_run_release(&source->run);
        dat_scanner_release(&source->scanner);
        dat_scanner_init(&source->scanner, live_run_visit, &source->run, &source->counts);
        if (lseek(source->fd, 0, SEEK_SET) != 0)
            return -errno;
    }
    error = dat_scanner_read(&source->scanner, source->fd);
    source->read = lseek(source->fd, 0, SEEK_CUR);
    if (!read_last(source, source->last)) /* it is being written over: told the next time */
        memset(source->last, 0, sizeof source->last);
    return error;
}

/* Whether the process with that pid is still the one of the run: it is not younger, nor much older.
 */
static bool is_of_run(const struct live_run *run)
{
    struct process_info info;
    double started;

    if (run->pid <= 0 || run->pid > INT32_MAX || process_read((pid_t)run->pid, &info) != 0 ||
        info.zombie)
        return false;
    started = (double)process_started_ns(&info) / 1e9;
    return started <= run->start + CLOCK_S && (run->attached || started >= run->start - START_S);
}

static void lose_family(struct top_source *source)
{
    top_family_release(&source->family);
    source->has_family = false;
    source->ended_ns = clock_monotonic_ns();
}

/* The processes of the run that the file is about now. */
static int step_family(struct top_source *source)
{
    struct live_run *run = &source->run;
    int error;

    if (source->sought != run->start) {
        if (source->has_family)
            lose_family(source);
        source->ended_ns = 0;
        source->sought = run->start;
        source->has_family =
            is_of_run(run) && top_family_init(&source->family, (pid_t)run->pid) == 0;
    }
    if (!source->has_family)
        return 0;
    error = run->ending.is_known ? -ESRCH : top_family_step(&source->family, clock_monotonic_ns());
    if (error == -ESRCH)
        lose_family(source);
    return error == -ENOMEM ? error : 0;
}

/* ---- a process ---- */

int top_source_process(struct top_source *source, pid_t pid, bool sum)
{
    int error;

    *source = (struct top_source){.fd = -1, .has_family = true};
    error = top_family_init(&source->family, pid);
    if (error == 0)
        error = top_family_step(&source->family, clock_monotonic_ns());
    if (error == -EAGAIN)
        error_line("mprof top: process %ld has no memory: it is one of the kernel, or just begins",
                   (long)pid);
    else if (error != 0)
        error_line("mprof top: cannot read process %ld: %s", (long)pid, strerror(-error));
    if (error != 0)
        return 1;
    source->run.pid = pid;
    source->run.sum = sum;
    source->run.command = strdup(source->family.rows[0].command);
    return 0;
}

static void take_sample(struct top_source *source)
{
    struct live_run *run = &source->run;
    const struct top_family *family = &source->family;
    bool is_first = run->samples == 0;
    double now = wall_seconds();

    live_run_sample(run, mebibytes(run->sum ? top_family_sum(family) : family->rows[0].rss), now);
    /* The mark that stood before was reached at no moment that is known. */
    if (!run->sum && family->peak > 0)
        live_run_peak(run, mebibytes(family->peak), is_first ? 0 : now);
    memcpy(run->limits, family->limits, sizeof run->limits);
}

static int step_process(struct top_source *source)
{
    int error;

    if (!source->has_family)
        return 0;
    error = top_family_step(&source->family, clock_monotonic_ns());
    if (error == 0)
        take_sample(source);
    if (error == -ESRCH)
        lose_family(source);
    return error == -ESRCH || error == -EAGAIN ? 0 : error;
}

/* ---- both ---- */

static void forget_processes(struct top_source *source)
{
    while (source->n_processes > 0)
        free(source->processes[--source->n_processes].command);
    free(source->processes);
    source->processes = NULL;
}

void top_source_release(struct top_source *source)
{
    if (source->fd >= 0)
        close(source->fd);
    dat_scanner_release(&source->scanner);
    live_run_release(&source->run);
    top_family_release(&source->family);
    open_spans_release(&source->spans);
    forget_processes(source);
    free(source->title);
}

int top_source_step(struct top_source *source, bool is_paused)
{
    int error;

    if (source->file == NULL)
        return step_process(source);
    if (is_paused)
        return 0;
    error = read_file(source);
    return error != 0 ? error : step_family(source);
}

/* For how long there was no sample; 0: not long enough to be worth a word. */
static double silence(const struct live_run *run)
{
    double silent = wall_seconds() - (run->samples > 0 ? run->last.moment : run->start);

    return silent > SILENT_S && silent > SILENT_INTERVALS * run->interval ? silent : 0;
}

/* The recording of a program goes on behind its end. */
static bool is_ending(const struct top_source *source)
{
    return source->file != NULL && source->ended_ns != 0 &&
           clock_monotonic_ns() - source->ended_ns < LAST_LINES_NS;
}

bool top_source_is_over(const struct top_source *source)
{
    if (source->has_family || is_ending(source))
        return false;
    return source->file == NULL || source->run.ending.is_known || source->run.pid != 0 ||
           silence(&source->run) > GONE_S;
}

static void describe(struct top_source *source)
{
    const struct live_run *run = &source->run;
    char ending[ENDING_TEXT_SIZE], time[PLOT_NUMBER_SIZE];

    ending_text(&run->ending, ending);
    plot_text_duration(silence(run), time);
    if (run->ending.is_known || (source->file == NULL && !source->has_family))
        snprintf(source->state, sizeof source->state, "ended%s%s", *ending != '\0' ? ": " : "",
                 ending);
    else if (run->pid != 0 && !source->has_family)
        snprintf(source->state, sizeof source->state, "ended, it is not recorded how");
    else if (source->file != NULL && silence(run) > 0)
        snprintf(source->state, sizeof source->state, "no sample for %s", time);
    else
        snprintf(source->state, sizeof source->state, "running");
}

/* "x.dat  PID 4711  python train.py" */
static int make_title(struct top_source *source)
{
    const struct live_run *run = &source->run;
    const char *command = run->command != NULL ? run->command : "";
    char *visible = plot_text_visible(command, strlen(command)), *file = NULL, pid[40] = "";
    int length = -1;

    if (source->file != NULL)
        file = plot_text_visible(source->file, strlen(source->file));
    if (run->pid != 0)
        snprintf(pid, sizeof pid, "PID %lld  ", (long long)run->pid);
    free(source->title);
    source->title = NULL;
    if (visible != NULL && (file != NULL || source->file == NULL))
        length = asprintf(&source->title, "%s%s%s%s", file != NULL ? file : "",
                          file != NULL ? "  " : "", pid, visible);
    free(visible);
    free(file);
    return length < 0 ? -ENOMEM : 0;
}

/* With their names: one that ends while the view is paused is shown on. */
static int copy_processes(struct top_source *source)
{
    const struct top_family *family = &source->family;
    size_t count = source->has_family ? family->count : 0;

    forget_processes(source);
    source->processes = calloc(count + 1, sizeof *source->processes);
    if (source->processes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct top_process *process = &source->processes[i];

        *process = family->rows[i];
        process->command = strdup(family->rows[i].command);
        if (process->command == NULL)
            return -ENOMEM;
        source->n_processes++;
    }
    return 0;
}

static int copy_spans(struct top_source *source)
{
    const struct live_run *run = &source->run;

    if (source->spans_of == run->open.changes && source->spans_run == run->start)
        return 0;
    open_spans_release(&source->spans);
    source->spans_of = run->open.changes;
    source->spans_run = run->start;
    return open_set_list(&run->open, &source->spans);
}

static int refresh(struct top_source *source)
{
    int error = copy_processes(source);

    source->shown = source->run;
    if (error == 0)
        error = copy_spans(source);
    if (error == 0)
        error = make_title(source);
    describe(source);
    return error;
}

int top_source_show(struct top_source *source, struct top_facts *view)
{
    int error = view->is_paused ? 0 : refresh(source);

    view->run = &source->shown;
    view->title = source->title;
    view->state = source->state;
    view->now = source->shown.last.moment;
    view->processes = source->processes;
    view->n_processes = source->n_processes;
    view->open = &source->spans;
    return error;
}
