#include "mprof/live_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/profile/dat_reader.h"
#include "mprof/base_name.h"
#include "mprof/error_line.h"
#include "mprof/open_limit.h"
#include "mprof/picture_file.h"
#include "plots/chart_make.h"
#include "plots/page.h"

#define MS_NS INT64_C(1000000)

/* Between two versions: a second, or so many times what the processor had to do for one. */
#define PACE_NS (1000 * MS_NS)
#define PACE_COSTS 10

/* The last version stays until an open page has asked for it: twice as long as live.js waits. */
#define FAREWELL_MS 1000

struct writer {
    const struct live_files *files;
    struct profile profile;
    struct dat_follower *follower;
    struct page_version version;
    size_t missing; /* versions that could not be written, */
    int error;      /* and why: -errno */
    int held_fd;    /* the page, locked as long as it is written; -1: not to be had */
};

/* ---- the files ---- */

static int put_live_page(FILE *out, const void *context)
{
    const struct live_files *files = context;

    return page_write_live(out, base_name(files->data));
}

static int put_page(FILE *out, const void *chart)
{
    return page_write(out, chart);
}

struct version_text {
    const struct chart *chart;
    const struct page_version *version;
};

static int put_version(FILE *out, const void *context)
{
    const struct version_text *text = context;

    return page_write_version(out, text->chart, text->version);
}

/* `lasts`: it is not replaced in a moment, so it is brought to disk. `held`: NULL, or where the
 * file stays open and locked. */
static int replace(const char *target, picture_put *put, const void *context, const char *trailer,
                   bool lasts, int *held)
{
    struct picture_file file;
    int error = picture_file_open(&file, target);

    if (error != 0)
        return error;
    if (held != NULL)
        *held = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
    if (held != NULL && *held >= 0)
        (void)flock(*held, LOCK_EX | LOCK_NB); /* not on every file system */
    file.is_passing = !lasts;
    return picture_file_close(&file, picture_file_write(&file, put, context), trailer);
}

/* Whether the page that stands there is the one that was written here, or none. */
static bool is_still_ours(const struct writer *writer)
{
    struct stat ours, there;

    return writer->held_fd < 0 || stat(writer->files->page, &there) != 0 ||
           fstat(writer->held_fd, &ours) != 0 ||
           (ours.st_ino == there.st_ino && ours.st_dev == there.st_dev);
}

static int write_version(const struct writer *writer, const struct chart *chart)
{
    struct version_text text = {chart, &writer->version};

    return replace(writer->files->data, put_version, &text, ");", false, NULL);
}

/* ---- charts ---- */

/* Of all that was read. */
static int make_chart(struct writer *writer, struct chart *chart)
{
    static const struct plot_spec spec = {
        .width = PLOT_WIDTH, .height = PLOT_HEIGHT, .columns = PAGE_COLUMNS};
    struct chart_source source = {&writer->profile, writer->files->profile};
    int error = dat_follower_finish(writer->follower), unmade;

    unmade = chart_make(chart, &source, 1, &spec);
    return error != 0 ? error : unmade;
}

static int draw_version(struct writer *writer)
{
    struct chart chart;
    int error = make_chart(writer, &chart);

    return error != 0 && error != -ENODATA ? error
                                           : write_version(writer, error == 0 ? &chart : NULL);
}

/*
 * A profile can be finished once. So that reading can go on, a copy of this process does it, whose
 * exit status is an errno.
 */
static int draw_version_of_copy(struct writer *writer)
{
    pid_t copy = fork();
    int status = 0;

    if (copy < 0)
        return -errno;
    if (copy == 0)
        _exit(-draw_version(writer));
    while (waitpid(copy, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPROTO;
}

/* ---- from version to version ---- */

static void note(struct writer *writer, int error)
{
    if (error == 0)
        return;
    writer->error = error;
    writer->missing++;
}

static void begin_version(struct writer *writer)
{
    int64_t now_ms = clock_wall_ns() / MS_NS, last_ms = writer->version.written_ms;

    writer->version.written_ms = now_ms > last_ms ? now_ms : last_ms + 1;
}

static int64_t larger(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

/* What the recorder tells until the moment, on the monotonic clock. */
enum news { NEWS_NONE, NEWS_END, NEWS_GONE };

static enum news wait_until(int life_fd, int64_t moment_ns)
{
    struct pollfd life = {.fd = life_fd, .events = POLLIN};
    int64_t left_ns;
    char byte;

    /* Once at least: the moment may have passed. */
    do {
        left_ns = larger(0, moment_ns - clock_monotonic_ns());
        if (poll(&life, 1, (int)((left_ns + MS_NS - 1) / MS_NS)) > 0)
            return read(life_fd, &byte, 1) == 1 ? NEWS_END : NEWS_GONE;
    } while (left_ns > 0);
    return NEWS_NONE;
}

static int64_t nanoseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000 * MS_NS + (int64_t)time.tv_usec * 1000;
}

/* What this process and its copies have taken of the processor. */
static int64_t processor_ns(void)
{
    struct rusage own = {0}, copies = {0};

    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &copies);
    return nanoseconds(own.ru_utime) + nanoseconds(own.ru_stime) + nanoseconds(copies.ru_utime) +
           nanoseconds(copies.ru_stime);
}

static enum news follow(struct writer *writer, int life_fd)
{
    enum news news = NEWS_NONE;

    while (news == NEWS_NONE) {
        int64_t began_ns = clock_monotonic_ns(), cost_ns = processor_ns(), pace_ns;
        int error = dat_follower_read(writer->follower, writer->files->profile_fd);

        begin_version(writer);
        if (is_still_ours(writer))
            note(writer, error != 0 ? error : draw_version_of_copy(writer));
        pace_ns = larger(PACE_NS, PACE_COSTS * (processor_ns() - cost_ns));
        writer->version.pace = (double)larger(pace_ns, clock_monotonic_ns() - began_ns) / 1e9;
        news = wait_until(life_fd, began_ns + pace_ns);
    }
    return news;
}

/* ---- the end ---- */

static int cannot_write(const char *name, int error)
{
    error_line("mprof: cannot write %s: %s", name, open_limit_why(error));
    return 1;
}

static int say_missing(const struct writer *writer)
{
    if (writer->missing > 0)
        error_line("mprof: cannot write %s: %s; %zu versions are missing", writer->files->data,
                   open_limit_why(writer->error), writer->missing);
    return writer->missing > 0 ? 1 : 0;
}

/* Nothing was recorded that could be shown. */
static int remove_all(const struct live_files *files)
{
    error_line("mprof: %s holds nothing to draw: there is no %s", files->profile, files->page);
    (void)unlink(files->page);
    (void)unlink(files->data);
    return 1;
}

/* The ordinary page, for which nothing beside it is needed. */
static int finish(struct writer *writer)
{
    const struct live_files *files = writer->files;
    struct chart chart;
    int error;

    if (!is_still_ours(writer)) {
        error_line("mprof: %s is not of this run: somebody else has written it meanwhile",
                   files->page);
        return 1;
    }
    (void)dat_follower_read(writer->follower, files->profile_fd);
    begin_version(writer);
    writer->version.has_ended = true;
    error = make_chart(writer, &chart);
    if (error == -ENODATA)
        return remove_all(files);
    if (error == 0) {
        note(writer, write_version(writer, &chart));
        (void)poll(NULL, 0, FAREWELL_MS);
        error = replace(files->page, put_page, &chart, "</html>", true, NULL);
    }
    chart_release(&chart);
    if (error != 0)
        return cannot_write(files->page, error);
    (void)unlink(files->data);
    return say_missing(writer);
}

int live_writer_run(const struct live_files *files, int life_fd)
{
    struct writer writer = {.files = files, .version = {.pace = 1}, .held_fd = -1};
    int status = 1;

    (void)setpriority(PRIO_PROCESS, 0, 19);
    writer.follower = dat_follower_new(&writer.profile);
    if (writer.follower == NULL)
        return cannot_write(files->page, -ENOMEM);
    /* What it shows comes first: a page asks for it at once. */
    note(&writer, write_version(&writer, NULL));
    note(&writer, replace(files->page, put_live_page, files, "</html>", false, &writer.held_fd));
    status = follow(&writer, life_fd) == NEWS_END ? finish(&writer) : 0;
    if (writer.held_fd >= 0)
        close(writer.held_fd);
    dat_follower_free(writer.follower);
    profile_release(&writer.profile);
    return status;
}
