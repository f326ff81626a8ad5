#include "mprof/attach.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mprof/base_name.h"
#include "mprof/child.h"
#include "mprof/error_line.h"
#include "mprof/progress.h"

/* How much of a command line is read. */
#define COMMAND_SIZE 8192

/* How long a chain of parents can be before it is taken for a loop. */
#define ANCESTORS 1000

/* How well a process fits a name. */
enum fit { FIT_NOT, FIT_COMMAND_LINE, FIT_NAME };

struct found {
    pid_t pids[20]; /* the first of them */
    int count;
};

static bool is_own_or_ancestor(pid_t pid)
{
    struct process_info facts;
    pid_t own = getpid();

    for (int i = 0; i < ANCESTORS && own > 0; i++) {
        if (own == pid)
            return 1;
        if (process_read(own, &facts) != 0)
            break;
        own = facts.parent;
    }
    return 0;
}

/* The command line of a process as one text; `text` first holds its first argument. */
static void join(char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '\0')
        length--;
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\0')
            text[i] = ' ';
}

static enum fit fit_of(pid_t pid, const char *name)
{
    char text[COMMAND_SIZE + 1];
    struct process_info facts;
    ssize_t length;

    if (pid == getpid() || process_read(pid, &facts) != 0 || facts.zombie)
        return FIT_NOT;
    if (strcmp(facts.name, name) == 0)
        return FIT_NAME;
    length = process_command_line(pid, text, COMMAND_SIZE);
    if (length <= 0)
        return FIT_NOT;
    text[length] = '\0';
    if (strcmp(base_name(text), name) == 0)
        return FIT_NAME;
    join(text, (size_t)length);
    /* What is found in our own command line may be in those that started us, too. */
    return strstr(text, name) != NULL && !is_own_or_ancestor(pid) ? FIT_COMMAND_LINE : FIT_NOT;
}

static int find(const char *name, enum fit wanted, struct found *found)
{
    struct process_list list = {0};
    int error = process_list_read(&list);

    found->count = 0;
    for (size_t i = 0; error == 0 && i < list.count; i++) {
        if (fit_of(list.entries[i].pid, name) != wanted)
            continue;
        if (found->count < (int)(sizeof found->pids / sizeof found->pids[0]))
            found->pids[found->count] = list.entries[i].pid;
        found->count++;
    }
    process_list_release(&list);
    return found->count;
}

static void print_found(const char *name, const struct found *found)
{
    char text[COMMAND_SIZE + 1];
    int shown = found->count, most = (int)(sizeof found->pids / sizeof found->pids[0]);

    error_line("mprof: %d processes fit '%s'; give the pid of one:", found->count, name);
    for (int i = 0; i < (shown < most ? shown : most); i++) {
        ssize_t length = process_command_line(found->pids[i], text, COMMAND_SIZE);

        if (length > 0) {
            text[length] = '\0';
            join(text, (size_t)length);
        } else {
            text[0] = '\0';
        }
        error_line("  %ld %.100s", (long)found->pids[i], text);
    }
}

/* Whether it was meant as a pid, well written or not: no process is to be found by such a name. */
static bool is_number(const char *text)
{
    size_t i = strspn(text, " +-");

    while (isdigit((unsigned char)text[i]))
        i++;
    return text[i + strspn(text + i, " ")] == '\0';
}

pid_t attach_find(const char *name)
{
    struct process_info facts;
    struct found found;

    if (process_read(getpid(), &facts) == -ENOENT) {
        error_line("mprof: no process can be seen: /proc is not mounted");
        return 0;
    }
    if (is_number(name)) {
        bool is_plain = name[0] != '0' && strspn(name, "0123456789") == strlen(name);
        long pid = is_plain ? strtol(name, NULL, 10) : 0;

        if (pid == (long)getpid())
            error_line("mprof: %s is mprof itself", name);
        else if (pid <= 0 || pid > INT_MAX || process_read((pid_t)pid, &facts) != 0 || facts.zombie)
            error_line("mprof: no process has the pid %s", error_line_name(name));
        else
            return (pid_t)pid;
        return 0;
    }
    /* Whole command lines are searched only where no process has that name. */
    if (find(name, FIT_NAME, &found) == 0 && find(name, FIT_COMMAND_LINE, &found) == 0)
        error_line("mprof: no process is called '%s'", name);
    else if (found.count > 1)
        print_found(name, &found);
    else
        return found.pids[0];
    return 0;
}

/* CMDLINE of the target. */
static int announce(struct recorder *recorder, pid_t pid)
{
    char text[COMMAND_SIZE + 1], **argv = calloc(COMMAND_SIZE / 2 + 2, sizeof *argv);
    ssize_t length = process_command_line(pid, text, COMMAND_SIZE);
    int count = 0, status;

    if (argv == NULL)
        return 1;
    for (ssize_t at = 0; at < length && count < COMMAND_SIZE / 2;
         at += (ssize_t)strlen(text + at) + 1) {
        text[length] = '\0';
        argv[count++] = text + at;
    }
    status = recorder_announce(recorder, argv);
    free(argv);
    return status;
}

static int sample(struct recorder *recorder, pid_t pid)
{
    struct child_state state;
    struct child_wait watch;
    sigset_t signals;
    int error = recorder_start(recorder, pid, 1, NULL);

    if (error == 0) {
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGHUP);
        progress_add_signal(progress_is_wanted(recorder->options), &signals);
        child_state_save(&state, &signals);
        error = child_wait_init(&watch, pid, &signals, -1);
    }
    if (error != 0) {
        char whose[40];

        snprintf(whose, sizeof whose, "process %ld", (long)pid);
        return recorder_cannot_read(whose, error);
    }
    (void)recorder_run(recorder, &watch, NULL);
    child_wait_release(&watch);
    recorder_finish(recorder, NULL);
    return recorder_report(recorder, NULL);
}

static void say_attaching(const struct recorder *recorder, const char *name)
{
    char *visible = error_line_visible(name), *text = NULL;

    if (asprintf(&text, "attaching to existing process, using hint: %s",
                 visible != NULL ? visible : "") >= 0)
        recorder_say(recorder, text);
    free(text);
    free(visible);
}

int attach_process(const struct command *command, const struct record_options *options,
                   char **arguments, int count)
{
    struct recorder recorder;
    pid_t pid;
    int status;

    if (count != 1) {
        error_line("mprof %s: one pid or name of a process must be given", command->name);
        return 1;
    }
    pid = attach_find(arguments[0]);
    if (pid == 0)
        return 1;
    signal(SIGPIPE, SIG_IGN); /* whether somebody reads our notices does not matter */
    status = recorder_open(&recorder, command, options);
    if (status != 0)
        return status;
    status = announce(&recorder, pid);
    if (status == 0) {
        say_attaching(&recorder, arguments[0]);
        status = sample(&recorder, pid);
    }
    recorder_release(&recorder, recorder.sampling && recorder.sampler.samples > 0);
    return status;
}
