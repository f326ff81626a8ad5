/*
 * libFuzzer: any arguments for any command of mprof are taken, or one visible line says why not.
 * An input is a byte that chooses the command, then the arguments, each ended by NUL.
 */
#include "fuzz.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mprof/command.h"

#define MOST_ARGUMENTS 32

static const struct command *const commands[] = {
    &cmd_run, &cmd_attach, &cmd_plot, &cmd_list, &cmd_peak,
    &cmd_rm,  &cmd_clean,  &cmd_mark, &cmd_top,  &cmd_heap,
};

/* Room for the values of any command: each has a struct of its own. */
union values {
    double numbers[64];
    const char *texts[64];
    char bytes[64 * sizeof(double)];
};

static bool is_argument(const char *text, char *arguments, size_t length)
{
    return text >= arguments && text <= arguments + length;
}

static void check_values(const struct command *command, union values *values, char *arguments,
                         size_t length)
{
    for (const struct option_spec *spec = command->options; spec->help != NULL; spec++) {
        const void *place = values->bytes + spec->offset;

        if (spec->type == OPTION_FLAG)
            check(*(const int *)place == 0 || *(const int *)place == 1);
        else if (spec->type == OPTION_NUMBER || spec->type == OPTION_MAYBE)
            check(isfinite(*(const double *)place));
        else if (*(const char *const *)place != NULL)
            check(is_argument(*(const char *const *)place, arguments, length));
    }
}

/* Parses, and gives what was said on stderr; to be freed. */
static int parse(const struct command *command, int argc, char **argv, union values *values,
                 char **said)
{
    FILE *before = stderr, *out = stdout;
    size_t size;
    int parsed;

    stderr = open_memstream(said, &size);
    stdout = fopen("/dev/null", "w");
    check(stderr != NULL && stdout != NULL);
    parsed = command_parse(command, argc, argv, values);
    fclose(stderr);
    fclose(stdout);
    stderr = before;
    stdout = out;
    return parsed;
}

/* A number is what strtod() makes of it, or none. */
static void check_number(const char *text)
{
    double number, expected = strtod(text, NULL);

    if (parse_number(text, &number) == 0 && isfinite(expected))
        check(fabs(number - expected) <= fabs(expected) * 1e-9 + 1e-300);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const struct command *command = commands[take(&bytes, &length) % 9];
    char *arguments = malloc(length + 1), *argv[MOST_ARGUMENTS + 2] = {"mprof"}, *said = NULL;
    union values values = {.numbers = {0}};
    int argc = 1, parsed;

    check(arguments != NULL);
    memcpy(arguments, bytes, length);
    arguments[length] = '\0';
    for (size_t at = 0; at < length && argc <= MOST_ARGUMENTS; at += strlen(arguments + at) + 1) {
        check_number(arguments + at);
        argv[argc++] = arguments + at;
    }
    parsed = parse(command, argc, argv, &values, &said);
    check(parsed >= COMMAND_WRONG && parsed < argc);
    if (parsed >= 0) {
        check(argv[1 + parsed] == NULL && *said == '\0');
        for (int i = 1; i <= parsed; i++)
            check(is_argument(argv[i], arguments, length));
        check_values(command, &values, arguments, length);
    } else if (parsed == COMMAND_WRONG) {
        check(strchr(said, '\n') == said + strlen(said) - 1);
        check(fuzz_is_clean(said, strlen(said), ""));
    }
    free(said);
    free(arguments);
    return 0;
}
