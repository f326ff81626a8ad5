#include "mprof/command.h"

#include <errno.h>
#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mprof/closest.h"
#include "mprof/error_line.h"

/* Where --help starts the explanations, and where its lines end. */
#define HELP_COLUMN 26
#define HELP_WIDTH 96

/* Beyond these, digits of a fraction change nothing, and exponents give zero or no number. */
#define MORE_THAN_DIGITS 1e17
#define MORE_THAN_EXPONENT 400

int parse_number(const char *text, double *number)
{
    double value = 0, scale = 1;
    int digits = 0, negative = *text == '-', exponent = 0, sign = 1;

    if (*text == '-' || *text == '+')
        text++;
    for (; *text >= '0' && *text <= '9'; text++, digits++)
        value = value * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, digits++) {
            if (value > MORE_THAN_DIGITS)
                continue;
            value = value * 10 + (*text - '0');
            scale *= 10;
        }
    if (digits == 0)
        return -EINVAL;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            sign = *text++ == '-' ? -1 : 1;
        if (*text < '0' || *text > '9')
            return -EINVAL;
        for (; *text >= '0' && *text <= '9'; text++)
            exponent = exponent < MORE_THAN_EXPONENT ? exponent * 10 + (*text - '0') : exponent;
    }
    if (*text != '\0')
        return -EINVAL;
    value /= scale;
    for (; exponent > 0; exponent--)
        value = sign < 0 ? value / 10 : value * 10;
    if (!(value <= DBL_MAX))
        return -EINVAL;
    *number = negative ? -value : value;
    return 0;
}

/* Prints `text` from the help column on, broken between words. */
static void print_wrapped(const char *text, int column)
{
    int at = column;

    while (*text != '\0') {
        int length = (int)strcspn(text, " ");

        if (at + length > HELP_WIDTH && at > column) {
            printf("\n%*s", column, "");
            at = column;
        }
        printf("%.*s", length, text);
        at += length;
        text += length;
        if (*text == ' ') {
            text++;
            if (at < HELP_WIDTH) {
                putchar(' ');
                at++;
            }
        }
    }
    putchar('\n');
}

static void print_option(const struct option_spec *spec)
{
    char left[80];
    int length = 0;

    length += snprintf(left, sizeof left, spec->letter != 0 ? "  -%c" : "    ", spec->letter);
    if (spec->name != NULL)
        length += snprintf(left + length, sizeof left - (size_t)length, "%s--%s",
                           spec->letter != 0 ? ", " : "  ", spec->name);
    if (spec->argument != NULL)
        length += snprintf(left + length, sizeof left - (size_t)length,
                           spec->type == OPTION_MAYBE ? "[=%s]" : " %s", spec->argument);
    if (length > HELP_COLUMN - 2)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    print_wrapped(spec->help, HELP_COLUMN);
}

const struct option_spec command_common[COMMAND_COMMON] = {
    {'h', "help", OPTION_FLAG, 0, NULL, "Show this help."},
    {0, "version", OPTION_FLAG, 0, NULL, "Show the version."},
};

const struct option_spec *command_option(const struct command *self, size_t at)
{
    const struct option_spec *spec = self->shared_options;

    for (; spec != NULL && spec->help != NULL; spec++)
        if (at-- == 0)
            return spec;
    spec = &self->options[at];
    return spec->help != NULL ? spec : NULL;
}

static void print_help(const struct command *self)
{
    const struct option_spec *spec;

    printf("usage: mprof %s [options] %s\n\n", self->name, self->arguments);
    print_wrapped(self->summary, 0);
    printf("\noptions:\n");
    for (size_t i = 0; (spec = command_option(self, i)) != NULL; i++)
        print_option(spec);
    for (size_t i = 0; i < COMMAND_COMMON; i++)
        print_option(&command_common[i]);
    if (self->notes != NULL)
        printf("\n%s", self->notes);
}

static int not_a_number(const struct command *self, const struct option_spec *spec,
                        const char *argument)
{
    char name[80];

    if (spec->name != NULL)
        snprintf(name, sizeof name, "--%s", spec->name);
    else
        snprintf(name, sizeof name, "-%c", spec->letter);
    error_line("mprof %s: %s takes a number, not '%s'", self->name, name, argument);
    return COMMAND_WRONG;
}

static int store(const struct command *self, const struct option_spec *spec, const char *argument,
                 void *values)
{
    char *place = (char *)values + spec->offset;

    if (spec->type == OPTION_FLAG) {
        *(int *)(void *)place = 1;
    } else if (spec->type == OPTION_TEXT) {
        *(const char **)(void *)place = argument;
    } else if (argument == NULL) {
        *(double *)(void *)place = 1;
    } else if (parse_number(argument, (double *)(void *)place) != 0) {
        return not_a_number(self, spec, argument);
    }
    return 0;
}

static int missing_argument(const struct command *self, const char *option)
{
    error_line("mprof %s: %s needs an argument", self->name, option);
    return COMMAND_WRONG;
}

/* The option called `name` (`length` bytes), or the only one that begins so. */
static const struct option_spec *find_long(const struct command *self, const char *name,
                                           size_t length)
{
    const struct option_spec *spec, *found = NULL;

    for (size_t i = 0; (spec = command_option(self, i)) != NULL; i++) {
        if (spec->name == NULL || strncmp(spec->name, name, length) != 0)
            continue;
        if (spec->name[length] == '\0')
            return spec;
        if (found != NULL)
            return NULL;
        found = spec;
    }
    return found;
}

/* Says so, and which one may have been meant. */
static int unknown_option(const struct command *self, const char *option, size_t length)
{
    struct closest closest = closest_to(option + 2, length);
    const struct option_spec *spec;

    for (size_t i = 0; (spec = command_option(self, i)) != NULL; i++)
        if (spec->name != NULL)
            closest_try(&closest, spec->name);
    if (closest.word != NULL)
        error_line("mprof %s: unknown option: %s (did you mean --%s?)", self->name, option,
                   closest.word);
    else
        error_line("mprof %s: unknown option: %s", self->name, option);
    return COMMAND_WRONG;
}

/* --name, --name=value or --name value. How many arguments were used, or COMMAND_... */
static int parse_long(const struct command *self, int left, char **argv, void *values)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct option_spec *spec;
    int error;

    if (strcmp(name, "help") == 0) {
        print_help(self);
        return COMMAND_HELPED;
    }
    if (strcmp(name, "version") == 0) {
        printf("%s\n", MEMPROF_VERSION);
        return COMMAND_HELPED;
    }
    spec = length > 0 ? find_long(self, name, length) : NULL;
    if (spec == NULL)
        return unknown_option(self, argv[0], length);
    if (spec->type == OPTION_FLAG && equals != NULL) {
        error_line("mprof %s: --%s takes no value: %s", self->name, spec->name, argv[0]);
        return COMMAND_WRONG;
    }
    if (spec->type == OPTION_FLAG || spec->type == OPTION_MAYBE || equals != NULL) {
        error = store(self, spec, equals != NULL ? equals + 1 : NULL, values);
        return error != 0 ? error : 1;
    }
    if (left < 2)
        return missing_argument(self, argv[0]);
    error = store(self, spec, argv[1], values);
    return error != 0 ? error : 2;
}

static const struct option_spec *find_letter(const struct command *self, char letter)
{
    const struct option_spec *spec;

    for (size_t i = 0; (spec = command_option(self, i)) != NULL; i++)
        if (spec->letter == letter)
            break;
    return spec;
}

static int unknown_letter(const struct command *self, char letter, const char *argument)
{
    if (strlen(argument) <= 2)
        error_line("mprof %s: unknown option: %s", self->name, argument);
    else
        error_line("mprof %s: unknown option: -%c of '%s'", self->name, letter, argument);
    return COMMAND_WRONG;
}

/* -MC, -T0.1 or -T 0.1. How many arguments were used, or COMMAND_... */
static int parse_letters(const struct command *self, int left, char **argv, void *values)
{
    const char *letter;
    int error;

    for (letter = argv[0] + 1; *letter != '\0'; letter++) {
        const struct option_spec *spec = find_letter(self, *letter);

        if (spec == NULL && *letter == 'h') {
            print_help(self);
            return COMMAND_HELPED;
        }
        if (spec == NULL)
            return unknown_letter(self, *letter, argv[0]);
        if (spec->type == OPTION_FLAG) {
            store(self, spec, NULL, values);
            continue;
        }
        if (letter[1] == '\0' && left < 2)
            return missing_argument(self, argv[0]);
        error = store(self, spec, letter[1] != '\0' ? letter + 1 : argv[1], values);
        if (error != 0)
            return error;
        return letter[1] != '\0' ? 1 : 2;
    }
    return 1;
}

static bool is_option(const char *text)
{
    double number;

    return text[0] == '-' && text[1] != '\0' && parse_number(text, &number) != 0;
}

int command_parse(const struct command *self, int argc, char **argv, void *values)
{
    int at = 1, kept = 0, options = 1;

    while (at < argc) {
        int used;

        if (options && strcmp(argv[at], "--") == 0) {
            options = 0;
            at++;
            continue;
        }
        if (!options || !is_option(argv[at])) {
            argv[1 + kept++] = argv[at++];
            options = options && !self->stops_at_argument;
            continue;
        }
        used = argv[at][1] == '-' ? parse_long(self, argc - at, argv + at, values)
                                  : parse_letters(self, argc - at, argv + at, values);
        if (used < 0)
            return used;
        at += used;
    }
    /* The end that an exec of these arguments needs. */
    argv[1 + kept] = NULL;
    return kept;
}
