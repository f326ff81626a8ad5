#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mprof/closest.h"
#include "mprof/command.h"
#include "mprof/describe.h"
#include "mprof/error_line.h"

/* One line for each. */
/* clang-format off */
static const struct command *const commands[] = {
    &cmd_run,
    &cmd_attach,
    &cmd_top,
    &cmd_heap,
    &cmd_plot,
    &cmd_list,
    &cmd_peak,
    &cmd_rm,
    &cmd_clean,
    &cmd_mark,
};
/* clang-format on */

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_usage(FILE *out)
{
    fprintf(out, "usage: mprof <command> [options] [arguments]\n\n"
                 "Records how much memory a program uses over time, and shows it.\n\n"
                 "commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n'mprof <command> --help' shows the options of a command.\n");
}

/*
 * A standard descriptor that the shell left closed is held by something that cannot be written,
 * so that no file of ours gets its number; the program gets it closed again.
 */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/", O_RDONLY | O_CLOEXEC);
}

static void unknown_command(const char *name)
{
    struct closest closest = closest_to(name, strlen(name));

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        closest_try(&closest, commands[i]->name);
    closest_try(&closest, "--version");
    closest_try(&closest, "--help");
    if (closest.word != NULL)
        error_line("mprof: unknown command: %s (did you mean %s?)", error_line_name(name),
                   closest.word);
    else
        error_line("mprof: unknown command: %s", error_line_name(name));
}

/* "mprof help", "mprof help run": as with --help. */
static void turn_help(int *argc, char **argv)
{
    static char option[] = "--help";
    bool names_one = *argc > 2 && strcmp(argv[2], "help") != 0;

    if (*argc < 2 || strcmp(argv[1], "help") != 0)
        return;
    if (names_one)
        argv[1] = argv[2];
    argv[names_one ? 2 : 1] = option;
    *argc = names_one ? 3 : 2;
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    turn_help(&argc, argv);
    if (argc < 2) {
        print_usage(stdout);
        return 1;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s\n", MEMPROF_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i]->name) == 0) {
            int status = commands[i]->run(commands[i], argc - 1, argv + 1);

            /* printf() only fills a buffer: a full disk shows here. */
            if (fflush(stdout) != 0 && status == 0) {
                error_line("mprof: cannot write the output: %s", strerror(errno));
                status = 1;
            }
            return status;
        }
    if (strcmp(argv[1], "--describe") == 0) { /* for tools/reference.py */
        describe_commands(stdout, commands, COMMAND_COUNT);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    unknown_command(argv[1]);
    print_usage(stdout);
    return 1;
}
