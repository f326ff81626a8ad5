#include "mprof/type_growth.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

/* Rows of a table; what is behind them is summed up. */
#define SHOWN 20

/* Columns that names have at least. */
#define NAME_WIDTH 30

#define NUMBER_WIDTH 14

/* "+170,311"; right-aligned. */
static void print_count(int64_t count)
{
    char digits[32], text[48];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count < 0 ? -count : count), to = 0;

    text[to++] = count < 0 ? '-' : '+';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = digits[i];
    }
    text[to] = '\0';
    printf("%*s", NUMBER_WIDTH, text);
}

/* "+31.2 MiB"; right-aligned. */
static void print_size(int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    char text[40];
    size_t unit = 0;

    for (; size >= 1023.95 && unit < 3; unit++)
        size /= 1024;
    if (bytes < 1024)
        snprintf(text, sizeof text, "+%" PRId64 " B", bytes);
    else
        snprintf(text, sizeof text, "+%.1f %s", size, units[unit]);
    printf("%*s\n", NUMBER_WIDTH, text);
}

static void print_name(const char *name, int width)
{
    int columns = plot_text_columns(name);

    printf("  %s%*s", name, columns < width ? width - columns : 0, "");
}

static int print_row(const struct type_growth *row, int width)
{
    char *name = plot_text_visible(row->type->name, strlen(row->type->name));

    if (name == NULL)
        return -ENOMEM;
    print_name(name, width);
    print_count(row->objects);
    print_size(row->bytes);
    free(name);
    return 0;
}

static void print_others(const struct type_growth *rows, size_t count, int width)
{
    struct type_growth sum = {0};
    char text[80];

    for (size_t i = 0; i < count; i++) {
        sum.objects += rows[i].objects;
        sum.bytes += rows[i].bytes;
    }
    snprintf(text, sizeof text, "... and %zu more", count);
    print_name(text, width);
    print_count(sum.objects);
    print_size(sum.bytes);
}

/* How long before the end of the run its types were counted last, where that is long: to say more
 * would have taken more than its part of the time. Times of another clock say nothing. */
static void put_age(const struct profile *profile, const struct type_history *types, char text[80])
{
    double age = profile->last_moment - types->last, counted = types->last - types->first;
    char duration[PLOT_NUMBER_SIZE];

    *text = '\0';
    if (!(age >= 1 && counted >= 0 && age > counted / 10))
        return;
    plot_text_duration(age, duration);
    snprintf(text, 80, ", counted last %s before the last sample", duration);
}

/* What stands above the names. */
static void print_heading(const struct profile *profile, const struct profile_process *process,
                          bool has_rows, int width)
{
    const struct type_history *types = &process->types;
    char duration[PLOT_NUMBER_SIZE] = "no time that can be told", text[240], who[40] = "", age[80];

    /* The clock was set meanwhile, or somebody wrote it by hand. */
    if (types->last >= types->first)
        plot_text_duration(types->last - types->first, duration);
    put_age(profile, types, age);
    if (!process->is_root)
        snprintf(who, sizeof who, "Child %" PRId64 ": ", process->pid);
    if (types->n_censuses < 2)
        snprintf(text, sizeof text, "%sits types were counted once%s", who, age);
    else
        snprintf(text, sizeof text, "%s%s in %s%s", who, has_rows ? "grown" : "no type has grown",
                 duration, age);
    print_name(text, has_rows ? width : 0);
    if (has_rows)
        printf("%*s%*s", NUMBER_WIDTH, "Objects", NUMBER_WIDTH, "Size");
    putchar('\n');
}

/* What the names of rows that are shown take, within reason; longer ones move their numbers. */
static int name_width(const struct type_growth *rows, size_t count)
{
    int width = NAME_WIDTH;

    for (size_t i = 0; i < count && i < SHOWN; i++) {
        char *name = plot_text_visible(rows[i].type->name, strlen(rows[i].type->name));
        int columns = name != NULL ? plot_text_columns(name) : 0;

        width = columns > width ? columns : width;
        free(name);
    }
    return width < 2 * NAME_WIDTH ? width : 2 * NAME_WIDTH;
}

static int print_process(const struct profile *profile, const struct profile_process *process)
{
    struct type_growth *rows;
    size_t count, shown;
    int error = type_history_growth(&process->types, &rows, &count), width;

    if (error != 0)
        return error;
    width = name_width(rows, count);
    print_heading(profile, process, count > 0, width);
    /* One that is left over is told as well as "1 more" is. */
    shown = count <= SHOWN + 1 ? count : SHOWN;
    for (size_t i = 0; i < shown && error == 0; i++)
        error = print_row(&rows[i], width);
    if (error == 0 && count > shown)
        print_others(rows + shown, count - shown, width);
    free(rows);
    return error;
}

int type_growth_print(const struct profile *profile)
{
    int error = -ENODATA;

    for (size_t i = 0; i < profile->n_processes && (error == 0 || error == -ENODATA); i++)
        if (profile->processes[i].types.count > 0)
            error = print_process(profile, &profile->processes[i]);
    return error;
}
