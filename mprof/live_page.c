#include "mprof/live_page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/process.h"
#include "mprof/base_name.h"
#include "mprof/error_line.h"
#include "mprof/open_limit.h"
#include "mprof/picture_file.h"
#include "mprof/signal_relay.h"
#include "plots/page.h"

/* How long a page may take until a line says what is waited for, and until that ends, for nobody
 * may be there to end it; how often it is looked at. */
#define PATIENCE_NS INT64_C(3000000000)
#define LONGEST_NS INT64_C(120000000000)
#define LOOK_NS INT64_C(10000000)

static const char page_suffix[] = ".html", data_suffix[] = ".data.js";

/* ---- names ---- */

/* "NAME.data.js" of "NAME.html", or NULL. */
static char *data_name(const char *page)
{
    size_t stem = strlen(page) - strlen(page_suffix), size = stem + sizeof data_suffix;
    char *name = malloc(size);

    if (name != NULL)
        snprintf(name, size, "%.*s%s", (int)stem, page, data_suffix);
    return name;
}

static bool is_page_name(const char *name)
{
    const char *point = strrchr(base_name(name), '.');

    return point != NULL && point != base_name(name) && strcasecmp(point, page_suffix) == 0;
}

static bool is_same_file(const char *name, const char *other)
{
    struct stat left, right;

    if (strcmp(name, other) == 0)
        return true;
    return stat(name, &left) == 0 && stat(other, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

static int check_output(const struct live_page *live, const char *output)
{
    const struct live_files *files = &live->files;

    if (!is_same_file(files->page, output) && !is_same_file(files->data, output))
        return 0;
    error_line("mprof %s: --live writes %s and %s, which cannot be the profile as well",
               live->command->name, files->page, files->data);
    return 2;
}

/* ---- whether they can be written ---- */

static int cannot_write(const char *name, int error)
{
    error_line("mprof: cannot write %s: %s", name, open_limit_why(error));
    return 1;
}

/* Makes a file beside it and removes that again. */
static int check_file(const struct live_page *live, const char *name)
{
    struct picture_file file;
    struct stat info;
    int error;

    if (stat(name, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        error_line("mprof %s: --live needs a file, and %s is none", live->command->name, name);
        return 2;
    }
    error = picture_file_open(&file, name);
    if (error != 0)
        return cannot_write(name, error);
    (void)picture_file_close(&file, -ECANCELED, NULL);
    return 0;
}

/* What a killed recording has left is written over; what somebody else has there is not. */
static int check_data(const struct live_page *live)
{
    char text[sizeof PAGE_VERSION_BEGIN] = "";
    FILE *file = fopen(live->files.data, "re");
    bool is_ours;

    if (file == NULL)
        return 0;
    is_ours = fgets(text, sizeof text, file) != NULL && strcmp(text, PAGE_VERSION_BEGIN) == 0;
    fclose(file);
    if (is_ours)
        return 0;
    error_line("mprof %s: --live writes %s, and the file of that name is not one of its own",
               live->command->name, live->files.data);
    return 1;
}

/* A recording that goes on holds its page locked; the lock of a killed one is gone. */
static int check_is_free(const struct live_page *live)
{
    int fd = open(live->files.page, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (fd >= 0)
        close(fd);
    if (is_held)
        error_line("mprof %s: --live: another recording is writing %s", live->command->name,
                   live->files.page);
    return is_held ? 1 : 0;
}

int live_page_check(struct live_page *live, const struct command *command, const char *page,
                    const char *output)
{
    int status = 0;

    *live = (struct live_page){
        .command = command, .files = {.page = page, .profile_fd = -1}, .life_fd = -1};
    if (page == NULL)
        return 0;
    if (!is_page_name(page)) {
        error_line("mprof %s: --live needs the name of a page, which ends in .html, not: %s",
                   command->name, error_line_name(page));
        return 2;
    }
    live->files.data = data_name(page);
    if (live->files.data == NULL)
        return cannot_write(page, -ENOMEM);
    if (output != NULL)
        status = check_output(live, output);
    if (status == 0)
        status = check_file(live, page);
    if (status == 0)
        status = check_file(live, live->files.data);
    if (status == 0)
        status = check_data(live);
    return status == 0 ? check_is_free(live) : status;
}

int live_page_open(struct live_page *live, const char *path, const char *shown)
{
    struct stat info;
    int status;

    if (live->files.page == NULL)
        return 0;
    /* Names that are written otherwise: now they would be one file. */
    status = check_output(live, path);
    if (status != 0)
        return status;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        error_line("mprof %s: --live reads the profile while it grows, and %s is no file",
                   live->command->name, shown);
        return 2;
    }
    live->files.profile = shown;
    live->files.profile_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (live->files.profile_fd >= 0)
        return 0;
    error_line("mprof: cannot read %s: %s", shown, strerror(errno));
    return 1;
}

/* ---- the writer ---- */

static _Noreturn void become_writer(const struct live_page *live, int life_fd)
{
    sigset_t stop;

    /* Ctrl-Z stops it with the recorder, as whose end it ends. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    _exit(live_writer_run(&live->files, life_fd));
}

void live_page_start(struct live_page *live)
{
    sigset_t all, before;
    int ends[2];

    if (live->files.page == NULL || process_pipe(ends, 0) != 0)
        return;
    /* What ends the recorder is not to end its writer before. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    live->writer = fork();
    if (live->writer == 0) {
        close(ends[1]);
        become_writer(live, ends[0]);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    live->life_fd = ends[1];
}

void live_page_end(struct live_page *live)
{
    if (live->life_fd >= 0)
        (void)!write(live->life_fd, "", 1);
}

static bool is_pending(const sigset_t *signals)
{
    sigset_t pending;
    bool found = false;

    sigemptyset(&pending);
    (void)sigpending(&pending);
    for (int number = 1; number < NSIG; number++)
        found = found || (sigismember(signals, number) == 1 && sigismember(&pending, number) == 1);
    return found;
}

/* Takes the signals that were meant for the program, and asks for those to come. */
static void take_signals(sigset_t *signals)
{
    int number;

    signal_relay_set(signals);
    while (is_pending(signals) && sigwait(signals, &number) == 0)
        continue;
}

/* 1: it has ended, or -errno; 0: a signal came before, or too much time has gone by. A line says
 * what is waited for. */
static int await_writer(const struct live_page *live, pid_t writer, int *status)
{
    int64_t told_ns = clock_monotonic_ns() + PATIENCE_NS;
    int64_t end_ns = clock_monotonic_ns() + LONGEST_NS;
    sigset_t signals;
    pid_t found;

    take_signals(&signals);
    while ((found = waitpid(writer, status, WNOHANG)) == 0 && !is_pending(&signals) &&
           clock_monotonic_ns() < end_ns) {
        if (clock_monotonic_ns() >= told_ns) {
            error_line("mprof: waiting until %s is written (Ctrl-C: not any longer)",
                       live->files.page);
            told_ns = INT64_MAX;
        }
        (void)clock_sleep_until_ns(clock_monotonic_ns() + LOOK_NS);
    }
    return found > 0 ? 1 : found < 0 ? -errno : 0;
}

int live_page_wait(struct live_page *live)
{
    pid_t writer = live->writer;
    int status = 0, ended;

    if (live->files.page == NULL)
        return 0;
    live->writer = 0;
    if (writer <= 0)
        return cannot_write(live->files.page, -EAGAIN);
    ended = await_writer(live, writer, &status);
    if (ended < 0)
        return 0; /* process 1 has collected it already, among its orphans */
    if (ended > 0 && WIFEXITED(status))
        return WEXITSTATUS(status);
    /* One that a share holds up for ever is not waited for, even now. */
    if (ended == 0)
        (void)kill(writer, SIGKILL);
    error_line("mprof: %s is not whole: the process that wrote it was %s", live->files.page,
               ended > 0 ? "killed" : "not waited for");
    return 1;
}

void live_page_release(struct live_page *live)
{
    if (live->life_fd >= 0)
        close(live->life_fd);
    if (live->writer > 0)
        (void)live_page_wait(live);
    if (live->files.profile_fd >= 0)
        close(live->files.profile_fd);
    free(live->files.data);
    live->files.data = NULL;
    live->life_fd = live->files.profile_fd = -1;
}
