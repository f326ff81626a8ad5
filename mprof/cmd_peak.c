#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/profile_peak.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/function_names.h"
#include "mprof/profile_input.h"
#include "mprof/type_growth.h"
#include "plots/ending_text.h"

struct peak_options {
    const char *function;
    int types;
};

static int peak(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_TEXT(0, "func", struct peak_options, function, "NAME",
             "Show the peak while this function (module.name), or the block of this label, ran. A "
             "part that fits one of them alone will do."),
    OPT_FLAG(
        0, "types", struct peak_options, types,
        "Print as well which types of objects grew from the first time they were counted to the "
        "last (mprof run --types), by how many objects and bytes, the most bytes first."),
    OPTIONS_END,
};

const struct command cmd_peak = {
    .name = "peak",
    .arguments = "[index-or-name...]",
    .summary = "Print the peak memory of profiles, by default of the last one.",
    .notes =
        "The peak is the largest sample, or the high-water mark that was read along where it\n"
        "is larger. Of a sum with children (-C) it is the largest sampled sum; what the program\n"
        "held alone is another line then, and where children were recorded (-M) their sum.\n",
    .options = options,
    .run = peak,
};

/* How many names are told at most where one was not found. */
#define NAMES_TOLD 20

/* On stderr, one line: which names there are. */
static void tell_names(const char *file, const char *function, const struct function_names *names)
{
    char *list = NULL;
    size_t size;
    FILE *out = open_memstream(&list, &size);

    if (out == NULL)
        return;
    for (size_t i = 0; i < names->count && i < NAMES_TOLD; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ", ", names->at[i]);
    if (names->count > NAMES_TOLD)
        fprintf(out, " and %zu more", names->count - NAMES_TOLD);
    (void)fclose(out);
    if (names->count == 0)
        error_line("mprof peak: %s: no functions were recorded", file);
    else
        error_line("mprof peak: %s: '%s' is not one function; there are: %s", file, function, list);
    free(list);
}

/* The peak while any of the functions that are meant ran. -ENOENT after a line: there is none. */
static int peak_of_function(const char *file, const char *function, const struct profile *profile,
                            struct profile_sample *peak)
{
    struct function_names all, chosen;
    int error = function_names_all(&all, profile);

    if (error == 0)
        error = function_names_all(&chosen, profile);
    if (error != 0) {
        function_names_release(&all);
        return error;
    }
    function_names_choose(&chosen, function);
    *peak = (struct profile_sample){-INFINITY, 0};
    if (chosen.count == 0) {
        tell_names(file, function, &all);
        error = -ENOENT;
    }
    for (size_t i = 0; i < chosen.count; i++) {
        struct profile_sample found;

        if (profile_peak_function(profile, chosen.at[i], &found) == 0 &&
            found.memory > peak->memory)
            *peak = found;
    }
    function_names_release(&all);
    function_names_release(&chosen);
    return error;
}

/* Prints the lines about one file. 0 or -errno: -ENODATA, -ENOMEM. */
static int print_peaks(const char *file, const char *function, const struct profile *profile)
{
    struct profile_sample found;
    int error = function != NULL ? peak_of_function(file, function, profile, &found)
                                 : profile_peak_root(profile, &found);

    if (error == -ENOENT) {
        error_line_print("", file, "\tNaN MiB\n");
        return 0;
    }
    if (error != 0)
        return error;
    error_line_print("", file, "");
    printf("\t%.3f MiB\n", found.memory);
    for (size_t i = 0; i < profile->n_processes; i++)
        if (profile_peak_process(profile, &profile->processes[i], &found) == 0)
            printf("  Child %lld\t\t\t%.3f MiB\n", (long long)profile->processes[i].pid,
                   found.memory);
    if (function == NULL && profile_peak_sum(profile, &found) == 0)
        printf("  Sum\t\t\t%.3f MiB\n", found.memory);
    if (function == NULL && profile_peak_alone(profile, &found) == 0)
        printf("  Main process\t\t\t%.3f MiB\n", found.memory);
    return 0;
}

static int read_file(const char *file, const char *function, struct profile *profile)
{
    int fd = profile_input_open(file), error;

    profile_init(profile);
    if (fd < 0)
        return fd;
    /* A peak within a function needs all samples; else the largest will do. */
    error = function != NULL ? dat_read(fd, profile) : dat_read_largest(fd, profile);
    profile_input_close(fd);
    return error;
}

/* On stderr: what reads the peaks of our output may take any number of MiB for one. */
static void tell_ending(const char *file, const struct profile *profile)
{
    char text[ENDING_TEXT_SIZE];

    ending_text(&profile->ending, text);
    if (*text != '\0')
        error_line("mprof peak: %s: %s", file, text);
}

/* What grew, where it is asked for. The exit status. */
static int types_of_file(const char *file, const struct profile *profile)
{
    int error = type_growth_print(profile);

    if (error == -ENODATA)
        error_line("mprof peak: %s: no types were recorded: mprof run --types records them", file);
    else if (error != 0)
        error_line("mprof peak: no memory");
    return error != 0;
}

/* The exit status for one file. */
static int peak_of_file(const char *file, const struct peak_options *asked)
{
    const char *function = asked->function;
    struct profile profile;
    int error = read_file(file, function, &profile), status = error != 0;

    if (error == 0 && profile.lines == 0) {
        error_line("mprof peak: %s is empty", file);
        status = 1;
    } else if (error != 0) {
        error_line("mprof peak: cannot read %s: %s", file, profile_input_why(error));
    } else if ((error = print_peaks(file, function, &profile)) == -ENOMEM) {
        error_line("mprof peak: no memory");
        status = 1;
    } else if (error != 0) {
        error_line("mprof peak: %s holds no samples", file);
        status = 1;
    } else if (profile.broken > 0) {
        error_line("mprof peak: %s: skipped %llu damaged or truncated line%s", file,
                   (unsigned long long)profile.broken, profile.broken == 1 ? "" : "s");
        status = 1;
    }
    if (asked->types && error == 0 && types_of_file(file, &profile) != 0)
        status = 1;
    tell_ending(file, &profile);
    profile_release(&profile);
    return status;
}

static int peak_of_last(const struct profile_dir *dir, const struct peak_options *asked)
{
    const char *file = profile_input_last(dir);

    return file == NULL ? PROFILE_INPUT_NONE : peak_of_file(file, asked);
}

/* Whether an argument before this one has meant the same file. */
static bool is_repeated(const struct profile_dir *dir, char **arguments, int at)
{
    const char *file = profile_dir_find(dir, arguments[at]);

    for (int i = 0; i < at; i++) {
        const char *before = profile_dir_find(dir, arguments[i]);

        if (before != NULL && strcmp(before, file) == 0)
            return 1;
    }
    return 0;
}

static int peak_of_files(const struct profile_dir *dir, char **arguments, int count,
                         const struct peak_options *asked)
{
    int status = 0;

    for (int i = 0; i < count; i++) {
        const char *file = profile_input_named(dir, arguments[i]);

        if (file == NULL)
            status = PROFILE_INPUT_NONE;
        else if (!is_repeated(dir, arguments, i) && peak_of_file(file, asked) != 0 && status == 0)
            status = 1;
    }
    return status;
}

static int peak(const struct command *self, int argc, char **argv)
{
    struct peak_options values = {0};
    struct profile_dir dir;
    int count = command_parse(self, argc, argv, &values), error, status;

    if (count < 0)
        return command_status(count);
    error = profile_dir_read(&dir);
    if (error != 0) {
        error_line("mprof peak: cannot read this folder: %s", strerror(-error));
        return 1;
    }
    status =
        count == 0 ? peak_of_last(&dir, &values) : peak_of_files(&dir, argv + 1, count, &values);
    profile_dir_release(&dir);
    return status;
}
