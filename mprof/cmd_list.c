#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/profile/dat_reader.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/profile_dir.h"
#include "mprof/profile_input.h"
#include "plots/ending_text.h"

/* How a program ended stands at the end: recordings may be long, and folders full of them. */
#define TAIL_SIZE (256 << 10)

static int list(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {OPTIONS_END};

const struct command cmd_list = {
    .name = "list",
    .arguments = "",
    .summary = "List the profiles of this folder, with their indices.",
    .notes = "On a terminal also how the program ended, where it did not end well.\n",
    .options = options,
    .run = list,
};

/* Goes to the first line that begins behind `at`. */
static bool seek_line(int fd, off_t at)
{
    char text[4096];
    ssize_t count;

    while ((count = pread(fd, text, sizeof text, at)) > 0) {
        const char *end = memchr(text, '\n', (size_t)count);

        if (end != NULL)
            return lseek(fd, at + (end - text) + 1, SEEK_SET) >= 0;
        at += count;
    }
    return false;
}

static void read_ending(const char *name, struct run_ending *ending)
{
    int fd = profile_input_open(name);
    struct profile profile;
    struct stat info;

    *ending = (struct run_ending){0};
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (info.st_size <= TAIL_SIZE || seek_line(fd, info.st_size - TAIL_SIZE))) {
        /* After an error, too: it is what was read until then. */
        (void)dat_read_largest(fd, &profile);
        *ending = profile.ending;
        profile_release(&profile);
    }
    profile_input_close(fd);
}

/* The date a profile has in its name; for people the end as well: programs know the line as it is.
 */
static void print_profile(size_t index, const char *name, bool for_people)
{
    const char *date = name + strlen("mprofile_");
    char text[ENDING_TEXT_SIZE] = "";
    struct run_ending ending;

    if (for_people) {
        read_ending(name, &ending);
        ending_text(&ending, text);
    }
    printf("%zu %s %.2s:%.2s:%.2s %.2s/%.2s/%.4s%s%s\n", index, name, date + 8, date + 10,
           date + 12, date + 6, date + 4, date, *text != '\0' ? "  " : "", text);
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
        print_profile(i, dir.names[i], isatty(STDOUT_FILENO) == 1);
    profile_dir_release(&dir);
    return 0;
}
