#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/profile_peak.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/profile_dir.h"
#include "mprof/profile_input.h"
#include "plots/ending_text.h"
#include "plots/plot_text.h"

struct list_options {
    int verbose;
};

/* Columns that a command gets where a row is full before it: what is left of 80. */
#define LEAST_COMMAND 8

static int list(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_FLAG('v', "verbose", struct list_options, verbose,
             "Show all of it in a pipe or a file, too, and whole commands on a terminal."),
    OPTIONS_END,
};

const struct command cmd_list = {
    .name = "list",
    .arguments = "",
    .summary = "List the profiles of this folder, with their indices.",
    .notes =
        "On a terminal, or with -v, also how long the run took, its peak (as mprof peak says it),\n"
        "how the program ended, where it did not end well, and its command, without folders and\n"
        "the python before a script, as far as it fits.\n",
    .options = options,
    .run = list,
};

/* What there is to say of a profile behind its date. */
struct facts {
    struct profile profile;
    char duration[PLOT_NUMBER_SIZE], peak[PLOT_NUMBER_SIZE], ending[ENDING_TEXT_SIZE];
    char *command; /* owned; NULL: none, or no memory */
};

/* After an error, too: it is what was read until then. */
static int read_facts(const char *name, struct facts *facts)
{
    struct profile *profile = &facts->profile;
    int fd = profile_input_open(name), error = fd < 0 ? fd : dat_read_largest(fd, profile);
    struct profile_sample peak;

    if (fd < 0) {
        profile_init(profile);
        return error;
    }
    profile_input_close(fd);
    if (profile_duration(profile) >= 0)
        plot_text_duration(profile_duration(profile), facts->duration);
    if (profile_peak_root(profile, &peak) == 0)
        plot_text_memory(peak.memory, facts->peak);
    ending_text(&profile->ending, facts->ending);
    if (profile->command_line != NULL)
        facts->command = error_line_visible(profile->command_line);
    return error;
}

/* Right-aligned behind two blanks. How many columns that were. */
static int print_padded(const char *text, int width)
{
    int blanks = 2 + width - plot_text_columns(text);

    printf("%*s%s", blanks > 2 ? blanks : 2, "", text);
    return 2 + width;
}

/* Takes characters off the end until a mark for them has room, too. */
static void cut(char *text, int columns)
{
    size_t length = strlen(text);

    while (length > 0 && plot_text_columns(text) >= columns) {
        do
            length--;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80);
        text[length] = '\0';
    }
}

/* Behind the folder that the first word is in. */
static char *without_folder(char *command)
{
    char *end = command + strcspn(command, " "), *begin = end;

    while (begin > command && begin[-1] != '/')
        begin--;
    return begin < end && *command != '\'' ? begin : command;
}

/* What there is room for tells most by the program: "a.py 3" of "/opt/bin/python3 src/a.py 3". */
static char *brief(char *command)
{
    static const char python[] = "python";
    char *name = without_folder(command);
    size_t length = strspn(name, "python0123456789.");

    if (strncmp(name, python, sizeof python - 1) != 0 || name[length] != ' ' ||
        strchr("- ", name[length + 1]) != NULL)
        return name;
    return without_folder(name + length + 1);
}

/* In what is left of a row of the terminal, but not in next to nothing. */
static void print_in_row(char *command, int used)
{
    struct winsize window;
    int columns = LEAST_COMMAND;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) {
        printf("%s", command);
        return;
    }
    if (window.ws_col - used > columns)
        columns = window.ws_col - used;
    command = brief(command);
    if (plot_text_columns(command) <= columns) {
        printf("%s", command);
        return;
    }
    cut(command, columns);
    printf("%s…", command);
}

static void print_command(char *command, int used, bool whole)
{
    printf("  ");
    if (whole)
        printf("%s", command);
    else
        print_in_row(command, used + 2);
}

static void print_facts(const char *name, int used, bool whole)
{
    struct facts facts = {.command = NULL};
    int error = read_facts(name, &facts);

    used += print_padded(facts.duration, 8) + print_padded(facts.peak, 8);
    if (*facts.ending != '\0')
        used += printf("  %s", facts.ending);
    if (error != 0)
        printf("  cannot read: %s", profile_input_why(error));
    else if (facts.command != NULL)
        print_command(facts.command, used, whole);
    free(facts.command);
    profile_release(&facts.profile);
}

/* The date a profile has in its name; programs know the line as it is, without what is behind. */
static void print_profile(size_t index, const char *name, bool for_people, bool whole)
{
    const char *date = name + strlen("mprofile_");
    int used = printf("%zu %s %.2s:%.2s:%.2s %.2s/%.2s/%.4s", index, name, date + 8, date + 10,
                      date + 12, date + 6, date + 4, date);

    if (for_people)
        print_facts(name, used, whole);
    printf("\n");
}

static int list(const struct command *self, int argc, char **argv)
{
    struct list_options values = {0};
    struct profile_dir dir;
    int count = command_parse(self, argc, argv, &values), error;

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
        print_profile(i, dir.names[i], values.verbose || isatty(STDOUT_FILENO) == 1,
                      values.verbose);
    profile_dir_release(&dir);
    return 0;
}
