#include <stddef.h>

#include "mprof/attach.h"
#include "mprof/command.h"

struct attach_options {
    struct record_options record;
};

static int attach(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    RECORD_OPTIONS(struct attach_options),
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
