#include "mprof/python_command.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/machine/process.h"
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

static bool is_interpreter(const char *program)
{
    const char *name = base_name(program);

    return !python_command_is_script(program) &&
           (strncmp(name, "python", 6) == 0 || strncmp(name, "pypy", 4) == 0);
}

static bool is_on_path(const char *name)
{
    const char *path = getenv("PATH"), *end;
    char file[PATH_MAX];

    while (path != NULL && *path != '\0') {
        int length;

        end = strchr(path, ':');
        length = end != NULL ? (int)(end - path) : (int)strlen(path);
        if (snprintf(file, sizeof file, "%.*s/%s", length, path, name) < (int)sizeof file &&
            access(file, X_OK) == 0)
            return 1;
        path = end != NULL ? end + 1 : NULL;
    }
    return 0;
}

/* The interpreter beside mprof in its own bin folder, or NULL. */
static char *interpreter_beside(void)
{
    static const char *const names[] = {"python", "python3"};
    char own[PATH_MAX], file[PATH_MAX + 16];
    char *slash;

    if (process_own_path(own, sizeof own) < 0)
        return NULL;
    slash = strrchr(own, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < 2; i++) {
        snprintf(file, sizeof file, "%s/%s", own, names[i]);
        if (access(file, X_OK) == 0)
            return strdup(file);
    }
    return NULL;
}

static char *find_interpreter(void)
{
    const char *wanted = getenv("MPROF_PYTHON");
    char *found;

    /* `python -m mprof` tells which python that was; the program need not see it. */
    if (wanted == NULL || *wanted == '\0')
        wanted = getenv("MPROF_HOST_PYTHON");
    if (wanted != NULL && *wanted != '\0')
        return strdup(wanted);
    found = interpreter_beside();
    if (found != NULL)
        return found;
    return strdup(is_on_path("python3") || !is_on_path("python") ? "python3" : "python");
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

char **python_command_plain(char *const program[])
{
    size_t count = count_of(program), used = 0;
    char **command = calloc(count + 2, sizeof *command);

    if (command == NULL)
        return NULL;
    if (!is_interpreter(program[0])) {
        command[used++] = find_interpreter();
        if (command[0] == NULL) {
            free(command);
            return NULL;
        }
    }
    memcpy(command + used, program, count * sizeof *command);
    return command;
}

char **python_command_build(char *const program[], const char *file, int include_children)
{
    char **plain = python_command_plain(program), **command;
    size_t options, used = 1, count;

    if (plain == NULL)
        return NULL;
    count = count_of(plain);
    command = calloc(count + EXTRA, sizeof *command);
    if (command == NULL) {
        python_command_free(plain, program);
        return NULL;
    }
    command[0] = plain[0];
    options = is_interpreter(program[0]) ? interpreter_options(plain + 1) : 0;
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

void python_command_free(char **command, char *const program[])
{
    /* Only an interpreter that was looked for is ours; all other words are the program's. */
    if (command != NULL && command[0] != program[0])
        free(command[0]);
    free(command);
}
