#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/process.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/find_python.h"
#include "mprof/heap_folder.h"
#include "mprof/helper.h"

/* How often the folder is looked at; when a line says what is waited for. */
#define LOOK_NS INT64_C(20000000)
#define SAY_NS INT64_C(2000000000)

#define NAME_SIZE 40
#define WORD_SIZE 40

struct heap_options {
    double timeout;
};

static int run(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_NUMBER('t', "timeout", struct heap_options, timeout, "SECONDS",
               "How long to wait for the program's answer; 30 by default."),
    OPTIONS_END,
};

const struct command cmd_heap = {
    .name = "heap",
    .arguments = "PID",
    .summary = "Show what lives on the heap of a Python program that runs.",
    .notes = "Its objects by type, who keeps them alive, and the bill of its resident memory.\n"
             "The program is one that mprof run --heap has started, or, from Python 3.14 on,\n"
             "any of the same Python. No signal is sent to it and nothing listens; it stands\n"
             "still while its objects are counted, about two seconds for ten million.\n",
    .options = options,
    .run = run,
};

struct request {
    pid_t pid;
    int folder;
    char ask[NAME_SIZE], taken[NAME_SIZE], begun[NAME_SIZE], answer[NAME_SIZE];
    char word[WORD_SIZE]; /* goes before the answer to this request */
    double timeout;
};

static void name_files(struct request *request)
{
    long pid = (long)request->pid;

    snprintf(request->ask, NAME_SIZE, "ask.%ld", pid);
    snprintf(request->taken, NAME_SIZE, "taken.%ld", pid);
    snprintf(request->begun, NAME_SIZE, "begun.%ld", pid);
    snprintf(request->answer, NAME_SIZE, "answer.%ld", pid);
    snprintf(request->word, WORD_SIZE, "%ld.%" PRId64, (long)getpid(), clock_wall_ns());
}

static bool is_there(const struct request *request, const char *name)
{
    return faccessat(request->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What an asker that was killed has left, too. */
static void withdraw(const struct request *request)
{
    (void)unlinkat(request->folder, request->ask, 0);
    (void)unlinkat(request->folder, request->taken, 0);
    (void)unlinkat(request->folder, request->answer, 0);
}

/* It appears whole. 0 or -errno. */
static int ask(const struct request *request)
{
    char name[NAME_SIZE];
    size_t length = strlen(request->word);
    struct stat info;
    int fd, error = 0;

    snprintf(name, sizeof name, "new.%ld", (long)request->pid);
    (void)unlinkat(request->folder, name, 0);
    fd = openat(request->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    /* Root asks a program of somebody else, who is to read it. */
    if (fstat(request->folder, &info) == 0)
        (void)!fchown(fd, info.st_uid, info.st_gid);
    if (write(fd, request->word, length) != (ssize_t)length)
        error = errno != 0 ? -errno : -EIO;
    close(fd);
    if (error == 0 && renameat(request->folder, name, request->folder, request->ask) != 0)
        error = -errno;
    if (error != 0)
        (void)unlinkat(request->folder, name, 0);
    return error;
}

/* The answer behind its first line; NULL: there is none of this request. */
static FILE *open_answer(const struct request *request)
{
    int fd = openat(request->folder, request->answer,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    char line[WORD_SIZE + 2] = "";

    if (file == NULL && fd >= 0)
        close(fd);
    if (file == NULL)
        return NULL;
    if (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, request->word) == 0)
            return file;
    }
    fclose(file);
    return NULL;
}

static void print_answer(FILE *file)
{
    char text[4096];
    size_t count;

    while ((count = fread(text, 1, sizeof text, file)) > 0)
        (void)fwrite(text, 1, count, stdout); /* main() tells of what cannot be written */
    fclose(file);
}

static const char *why_waiting(const struct request *request)
{
    if (is_there(request, request->begun))
        return "it counts its objects";
    if (is_there(request, request->taken))
        return "C code of it has the interpreter's lock";
    if (is_there(request, request->ask))
        return "it does not look: it is stopped, forks, or is no Python that was asked to";
    return "it could not answer: it may have no memory or descriptor left";
}

static bool has_ended(pid_t pid)
{
    struct process_info info;

    return process_read(pid, &info) != 0 || info.zombie;
}

/* An exit status. */
static int await_answer(const struct request *request)
{
    int64_t begin_ns = clock_monotonic_ns(), say_ns = begin_ns + SAY_NS;
    int64_t end_ns = begin_ns + (int64_t)(request->timeout * 1e9);
    long pid = (long)request->pid;
    FILE *answer;

    while ((answer = open_answer(request)) == NULL) {
        int64_t now_ns = clock_monotonic_ns();

        if (has_ended(request->pid)) {
            error_line("mprof heap: process %ld has ended", pid);
            return 1;
        }
        if (now_ns >= end_ns) {
            error_line("mprof heap: process %ld did not answer within %.10g s: %s", pid,
                       request->timeout, why_waiting(request));
            return 1;
        }
        if (now_ns >= say_ns) {
            error_line("mprof heap: waiting for process %ld: %s", pid, why_waiting(request));
            say_ns = INT64_MAX;
        }
        (void)clock_sleep_until_ns(now_ns + LOOK_NS);
    }
    print_answer(answer);
    return 0;
}

static int cannot_ask(const struct request *request, const char *why)
{
    error_line("mprof heap: cannot ask process %ld: %s", (long)request->pid, why);
    return 1;
}

/* One asks at a time: the lock of the folder ends with whoever has it. */
static int ask_folder(struct request *request)
{
    int error, status;

    if (flock(request->folder, LOCK_EX | LOCK_NB) != 0)
        return cannot_ask(request,
                          errno == EWOULDBLOCK ? "another mprof heap asks now" : strerror(errno));
    name_files(request);
    withdraw(request);
    error = ask(request);
    status = error == 0 ? await_answer(request) : cannot_ask(request, strerror(-error));
    withdraw(request);
    return status;
}

/* By sys.remote_exec(), which says in a line itself what it cannot do. */
static int ask_python(const struct command *self, pid_t pid)
{
    char number[24], *python;
    sigset_t mask;
    pid_t asker;
    int error;

    sigemptyset(&mask);
    python = find_python(self->name, &mask);
    if (python == NULL)
        return 1;
    snprintf(number, sizeof number, "%ld", (long)pid);
    asker = helper_start((char *const[]){python, "-m", "memory_profiler", "--attach", number,
                                         "--heap", "--for", "0", NULL},
                         STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, NULL);
    free(python);
    error = asker < 0 ? (int)asker : helper_wait(asker);
    if (error == 0)
        return 0;
    error_line("mprof heap: process %ld was not started by mprof run --heap, which lets a program "
               "of any Python be asked",
               (long)pid);
    return 1;
}

/* 0 or an exit status after a line. */
static int read_pid(const char *text, pid_t *pid)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < 1 ||
        number > INT32_MAX) {
        error_line("mprof heap: %s is no pid; mprof top -a NAME finds one", error_line_name(text));
        return 2;
    }
    *pid = (pid_t)number;
    if (!has_ended(*pid))
        return 0;
    error_line("mprof heap: there is no process %ld", number);
    return 1;
}

static int check(const struct heap_options *values, int parsed)
{
    if (!(values->timeout >= 0 && values->timeout <= 1e9))
        error_line("mprof heap: --timeout must be from 0 to 1000000000 seconds, not %.10g",
                   values->timeout);
    else if (parsed != 1)
        error_line("mprof heap: which program? mprof heap PID");
    else
        return 0;
    return 2;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct heap_options values = {.timeout = 30};
    int parsed = command_parse(self, argc, argv, &values), status;
    struct request request = {0};

    if (parsed < 0)
        return command_status(parsed);
    status = check(&values, parsed);
    if (status == 0)
        status = read_pid(argv[1], &request.pid);
    if (status != 0)
        return status;
    request.timeout = values.timeout;
    request.folder = heap_folder_of(request.pid);
    if (request.folder == -ENOENT)
        return ask_python(self, request.pid);
    if (request.folder < 0)
        return cannot_ask(&request, request.folder == -EPERM ? "its folder is not this user's alone"
                                                             : strerror(-request.folder));
    status = ask_folder(&request);
    close(request.folder);
    return status;
}
