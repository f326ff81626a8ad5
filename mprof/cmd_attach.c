#include "mprof/attach.h"
#include "mprof/command.h"

static int attach(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {OPTIONS_END};

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
    struct record_options values = RECORD_DEFAULTS;
    int parsed = command_parse(self, argc, argv, &values);

    if (parsed < 0)
        return command_status(parsed);
    return attach_process(self, &values, argv + 1, parsed);
}
