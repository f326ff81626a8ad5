#include <stddef.h>

#include "mprof/attach.h"
#include "mprof/command.h"

/* memory_profiler's attach takes these and does nothing by them: no process is started. */
struct attach_options {
    struct record_options record;
    int python, no_python, exit_code;
};

_Static_assert(offsetof(struct attach_options, record) == 0, "the shared options come first");

static int attach(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_FLAG('E', "exit-code", struct attach_options, exit_code,
             "Taken as by mprof run; how a process ends is told to its parent alone."),
    OPT_FLAG(0, "python", struct attach_options, python, "Taken as by mprof run, without effect."),
    OPT_FLAG(0, "nopython", struct attach_options, no_python,
             "Taken as by mprof run, without effect."),
    OPTIONS_END,
};

const struct command cmd_attach = {
    .name = "attach",
    .arguments = "pid-or-name",
    .summary = "Record the memory of a process that runs already.",
    .notes = "A name is compared with the names of all processes; where none is equal, it is "
             "looked for in\ntheir command lines. Where several fit, they are listed and nothing "
             "is attached.\nSampling ends with the process, with the timeout, or with "
             "Ctrl-C.\n\n" RECORD_NOTES,
    .options = options,
    .shared_options = record_option_table,
    .run = attach,
};

static int attach(const struct command *self, int argc, char **argv)
{
    struct attach_options values = {.record = RECORD_DEFAULTS};
    int parsed = command_parse(self, argc, argv, &values);

    if (parsed < 0)
        return command_status(parsed);
    return attach_process(self, &values.record, argv + 1, parsed);
}
