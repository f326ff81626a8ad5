#include "mprof/python_command.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mprof/base_name.h"

/* What is put in: -m memory_profiler --timestamp -o FILE --include-children, and the NULL. */
#define EXTRA 8

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);

    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

bool python_command_is_script(const char *program)
{
    return ends_with(program, ".py");
}

static bool is_below(const char *folder, size_t length, const char *name)
{
    char path[PATH_MAX];
    int needed = snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, name);

    return needed < (int)sizeof path && access(length > 0 ? path : name, F_OK) == 0;
}

/* As memory_profiler looks for it, and find_script() in python/memory_profiler/_run.py. */
bool python_command_finds_script(const char *name)
{
    const char *folder = getenv("PATH");

    if (access(name, F_OK) == 0 || errno != ENOENT)
        return true; /* what else is wrong will be said */
    for (folder = folder != NULL ? folder : "/bin:/usr/bin"; name[0] != '/'; folder++) {
        size_t length = strcspn(folder, ":");

        if (is_below(folder, length, name))
            return true;
        folder += length;
        if (*folder == '\0')
            break;
    }
    return false;
}

bool python_command_has_python(const char *program)
{
    const char *name = base_name(program);

    return !python_command_is_script(program) &&
           (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0);
}

static size_t count_of(char *const program[])
{
    size_t count = 0;

    while (program[count] != NULL)
        count++;
    return count;
}

/* How many of the arguments behind the interpreter are its own options, with their values. */
static size_t interpreter_options(char *const arguments[])
{
    size_t at = 0;

    while (arguments[at] != NULL && arguments[at][0] == '-' && arguments[at][1] != '\0') {
        const char *option = arguments[at];

        /* -m and -c are the program; letters may stand before them, as in -um. */
        if (option[1] != '-' && strpbrk(option + 1, "mc") != NULL && option[1] != 'X' &&
            option[1] != 'W')
            break;
        at++;
        if (strcmp(option, "-W") == 0 || strcmp(option, "-X") == 0 ||
            strcmp(option, "--check-hash-based-pycs") == 0)
            at += arguments[at] != NULL;
    }
    return at;
}

char **python_command_plain(char *python, char *const program[])
{
    size_t count = count_of(program), used = 0;
    char **command = calloc(count + 2, sizeof *command);

    if (command == NULL)
        return NULL;
    if (!python_command_has_python(program[0]))
        command[used++] = python;
    memcpy(command + used, program, count * sizeof *command);
    return command;
}

char **python_command_build(char *python, char *const program[], const char *file,
                            int include_children)
{
    char **plain = python_command_plain(python, program), **command;
    size_t options, used = 1, count;

    if (plain == NULL)
        return NULL;
    count = count_of(plain);
    command = calloc(count + EXTRA, sizeof *command);
    if (command == NULL) {
        free(plain);
        return NULL;
    }
    command[0] = plain[0];
    options = python_command_has_python(program[0]) ? interpreter_options(plain + 1) : 0;
    memcpy(command + used, plain + 1, options * sizeof *command);
    used += options;
    command[used++] = (char *)"-m";
    command[used++] = (char *)"memory_profiler";
    command[used++] = (char *)"--timestamp";
    command[used++] = (char *)"-o";
    command[used++] = (char *)(uintptr_t)file;
    if (include_children)
        command[used++] = (char *)"--include-children";
    memcpy(command + used, plain + 1 + options, (count - 1 - options) * sizeof *command);
    free(plain);
    return command;
}
