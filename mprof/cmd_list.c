#include <stdio.h>
#include <string.h>

#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/profile_dir.h"

static int list(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {OPTIONS_END};

const struct command cmd_list = {
    .name = "list",
    .arguments = "",
    .summary = "List the profiles of this folder, with their indices.",
    .options = options,
    .run = list,
};

/* The date a profile has in its name. */
static void print_profile(size_t index, const char *name)
{
    const char *date = name + strlen("mprofile_");

    printf("%zu %s %.2s:%.2s:%.2s %.2s/%.2s/%.4s\n", index, name, date + 8, date + 10, date + 12,
           date + 6, date + 4, date);
}

static int list(const struct command *self, int argc, char **argv)
{
    struct profile_dir dir;
    int count = command_parse(self, argc, argv, NULL), error;

    if (count < 0)
        return command_status(count);
    if (count > 0) {
        error_line("mprof list: takes no arguments: '%s'", argv[1]);
        return 2;
    }
    error = profile_dir_read(&dir);
    if (error != 0) {
        error_line("mprof list: cannot read this folder: %s", strerror(-error));
        return 1;
    }
    for (size_t i = 0; i < dir.count; i++)
        print_profile(i, dir.names[i]);
    profile_dir_release(&dir);
    return 0;
}
