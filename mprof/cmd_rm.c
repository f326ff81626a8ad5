#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/profile_dir.h"

struct rm_options {
    int dry_run;
};

static int rm(const struct command *self, int argc, char **argv);
static int clean(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_FLAG(0, "dry-run", struct rm_options, dry_run,
             "Show what would be removed, and remove nothing."),
    OPTIONS_END,
};

const struct command cmd_rm = {
    .name = "rm",
    .arguments = "index-or-name...",
    .summary = "Remove profiles, by index (-1 is the last) or by name.",
    .options = options,
    .run = rm,
};

const struct command cmd_clean = {
    .name = "clean",
    .arguments = "",
    .summary = "Remove all profiles of this folder.",
    .notes = "Asks nothing, and prints what it removed.\n",
    .options = options,
    .run = clean,
};

/* Removes the files, or says that it would. The exit status. */
static int remove_files(const struct command *self, const char *const *names, size_t count,
                        int dry_run)
{
    int status = 0;

    if (dry_run)
        printf("Files to be removed: \n");
    else if (count == 0)
        printf("no profiles to remove\n");
    for (size_t i = 0; i < count; i++) {
        if (dry_run) {
            error_line_print("", names[i], "\n");
        } else if (unlink(names[i]) != 0) {
            error_line("mprof %s: cannot remove %s: %s", self->name, names[i], strerror(errno));
            status = 1;
        } else if (self == &cmd_clean) { /* who names them knows them */
            error_line_print("removed ", names[i], "\n");
        }
    }
    return status;
}

static int open_dir(const struct command *self, struct profile_dir *dir)
{
    int error = profile_dir_read(dir);

    if (error != 0)
        error_line("mprof %s: cannot read this folder: %s", self->name, strerror(-error));
    return error;
}

/* The files meant by the arguments, each once; NULL after a line about the first that is wrong. */
static const char **find_files(const struct command *self, const struct profile_dir *dir,
                               char **arguments, size_t *count)
{
    size_t wanted = *count;
    const char **names = calloc(wanted, sizeof *names);

    *count = 0;
    for (size_t i = 0; i < wanted && names != NULL; i++) {
        const char *name = profile_dir_find(dir, arguments[i]);
        size_t same = 0;

        /* One wrong argument, and nothing is removed. */
        if (name == NULL) {
            error_line("mprof %s: no such profile: %s", self->name, error_line_name(arguments[i]));
            free(names);
            return NULL;
        }
        while (same < *count && strcmp(names[same], name) != 0)
            same++;
        if (same == *count)
            names[(*count)++] = name;
    }
    return names;
}

static int rm(const struct command *self, int argc, char **argv)
{
    struct rm_options values = {0};
    struct profile_dir dir;
    const char **names;
    size_t count;
    int parsed = command_parse(self, argc, argv, &values), status = 1;

    if (parsed < 0)
        return command_status(parsed);
    if (parsed == 0) {
        printf("A profile to remove must be provided (number or filename)\n");
        return 1;
    }
    if (open_dir(self, &dir) != 0)
        return 1;
    count = (size_t)parsed;
    names = find_files(self, &dir, argv + 1, &count);
    if (names != NULL)
        status = remove_files(self, names, count, values.dry_run);
    free(names);
    profile_dir_release(&dir);
    return status;
}

static int clean(const struct command *self, int argc, char **argv)
{
    struct rm_options values = {0};
    struct profile_dir dir;
    int parsed = command_parse(self, argc, argv, &values), status;

    if (parsed < 0)
        return command_status(parsed);
    if (parsed > 0) {
        error_line("mprof clean: takes no arguments: '%s'", argv[1]);
        return 2;
    }
    if (open_dir(self, &dir) != 0)
        return 1;
    status = remove_files(self, (const char *const *)dir.names, dir.count, values.dry_run);
    profile_dir_release(&dir);
    return status;
}
