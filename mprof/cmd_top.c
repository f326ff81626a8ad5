#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mprof/attach.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/profile_dir.h"
#include "mprof/top_source.h"
#include "mprof/top_view.h"

struct top_options {
    const char *name;
    double interval; /* NAN: the usual one */
    double timeout;  /* 0: none */
    int sum;
};

static int top(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_TEXT('a', "attach", struct top_options, name, "NAME",
             "Watch the process of this name, or with this in its command line, or of this pid."),
    OPT_FLAG('C', "include-children", struct top_options, sum,
             "Of a process: the curve is the sum with all its descendants. Pages that they share "
             "count in each of them."),
    OPT_NUMBER('T', "interval", struct top_options, interval, "SECONDS",
               "From one frame to the next, 0.25 by default and at least; without a terminal from "
               "line to line, 1 by default."),
    OPT_NUMBER('t', "timeout", struct top_options, timeout, "SECONDS",
               "Quit after so many seconds; 0, the default, is never."),
    OPTIONS_END,
};

const struct command cmd_top = {
    .name = "top",
    .arguments = "[PID | FILE.dat]",
    .summary = "Watch the memory of a program while it runs.",
    .notes =
        "Of a PID: its curve, and what it and its descendants hold. Of the profile that mprof\n"
        "run writes meanwhile: also the functions and blocks that are open, and the types of\n"
        "objects that it recorded. Without an argument: the newest profile of this folder.\n"
        "Keys: q quits, ? tells the others. Without a terminal, or with TERM=dumb, it prints\n"
        "a line a second until the program ends.\n",
    .options = options,
    .run = top,
};

/* An exit status after one line about what there is to watch. */
static int tell_forms(void)
{
    error_line("mprof top: which program? mprof top PID, mprof top FILE.dat, mprof top -a NAME, or "
               "mprof top alone where mprof run has written a profile");
    return 2;
}

static int open_process(struct top_source *source, const struct top_options *values,
                        const char *name)
{
    pid_t pid = attach_find(name);

    return pid == 0 ? 1 : top_source_process(source, pid, values->sum);
}

/* `dir` holds the name for as long as it is watched. */
static int open_newest(struct top_source *source, struct profile_dir *dir)
{
    int error = profile_dir_read(dir);

    if (error != 0) {
        error_line("mprof top: cannot read this folder: %s", strerror(-error));
        return 1;
    }
    return dir->count == 0 ? tell_forms() : top_source_file(source, dir->names[dir->count - 1]);
}

static bool is_pid(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static int open_source(struct top_source *source, const struct top_options *values, int count,
                       char **arguments, struct profile_dir *dir)
{
    if (count == 1 && values->name != NULL) {
        error_line("mprof top: either -a %s or %s, not both", error_line_name(values->name),
                   error_line_name(arguments[0]));
        return 2;
    }
    if (count > 1 || (values->name != NULL && *values->name == '\0'))
        return tell_forms();
    if (values->sum && values->name == NULL && (count == 0 || !is_pid(arguments[0]))) {
        error_line("mprof top: --include-children is of a PID; a profile was sampled as it was");
        return 2;
    }
    if (values->name != NULL)
        return open_process(source, values, values->name);
    if (count == 0)
        return open_newest(source, dir);
    if (is_pid(arguments[0]))
        return open_process(source, values, arguments[0]);
    return top_source_file(source, arguments[0]);
}

static int check(const struct top_options *values)
{
    if (!isnan(values->interval) && !(values->interval >= TOP_FRAME_S && values->interval <= 1e6))
        error_line("mprof top: --interval must be from 0.25 to 1000000 seconds, not %.10g",
                   values->interval);
    else if (!(values->timeout >= 0 && values->timeout <= 1e9))
        error_line("mprof top: --timeout must be from 0 (none) to 1000000000 seconds, not %.10g",
                   values->timeout);
    else
        return 0;
    return 2;
}

/* Whether the file holds a run; one line where not. */
static int check_file(const struct top_source *source)
{
    const struct dat_counts *counts = &source->counts;

    if (source->file == NULL || counts->lines > counts->unknown + counts->broken)
        return 0;
    if (counts->lines == 0)
        error_line("mprof top: %s is empty", source->file);
    else
        error_line("mprof top: %s is no profile: none of its lines is one of a profile",
                   source->file);
    return 1;
}

static int top(const struct command *self, int argc, char **argv)
{
    struct top_options values = {.interval = NAN};
    struct top_source source = {.fd = -1, .family = {.reader = {.fd = -1}}};
    int count = command_parse(self, argc, argv, &values), status, error;
    struct profile_dir dir = {0};

    if (count < 0)
        return command_status(count);
    status = check(&values);
    if (status == 0)
        status = open_source(&source, &values, count, argv + 1, &dir);
    error = status == 0 ? top_source_step(&source, false) : 0;
    if (error != 0) {
        error_line("mprof top: cannot read %s: %s", source.file, strerror(-error));
        status = 1;
    }
    if (status == 0)
        status = check_file(&source);
    if (status == 0)
        status = top_view_run(&source, values.interval, values.timeout);
    top_source_release(&source);
    profile_dir_release(&dir);
    return status;
}
