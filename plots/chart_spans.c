#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_parts.h"

struct tint {
    uint32_t bar, dark;
};

static const struct tint block_tint = {0xf7d560, 0x9a7400};

static const struct tint tints[] = {
    {0xa9cdea, 0x2b6ca3}, {0xffc58a, 0xc9670a}, {0x9bd990, 0x2f8f2f}, {0xf4b0bd, 0xc2405c},
    {0xc3b0e0, 0x6f4bb0}, {0x8fd8d3, 0x1b8a85}, {0xd3bfa9, 0x84623c},
};

#define TINTS (sizeof tints / sizeof tints[0])

/* Blocks of profile.timestamp() are recorded as functions of no module. */
static int is_block(const char *name)
{
    return name[0] == '.';
}

/* What is drawn of a name: a function without its module and class, the label of a block. */
static const char *short_name(const char *name)
{
    const char *dot = is_block(name) ? name : strrchr(name, '.');

    return dot == NULL || dot[1] == '\0' ? name : dot + 1;
}

/* Names that were met before, by their address: profile.h keeps one copy of each. */
struct tinting {
    const char **names; /* sorted by address */
    size_t *numbers;
    size_t count, functions;
};

static size_t place_of(const struct tinting *tinting, const char *name)
{
    size_t low = 0, high = tinting->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if ((uintptr_t)tinting->names[middle] < (uintptr_t)name)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The number of a function's name, in the order in which names appear in the profile. */
static int number_of(struct tinting *tinting, const char *name, size_t *number)
{
    size_t place = place_of(tinting, name), count = tinting->count;
    const char **names;
    size_t *numbers;

    if (place < count && tinting->names[place] == name) {
        *number = tinting->numbers[place];
        return 0;
    }
    if ((count & (count - 1)) == 0) { /* full: doubles at every power of two */
        size_t room = count == 0 ? 1 : 2 * count;

        names = realloc(tinting->names, room * sizeof *names);
        if (names != NULL)
            tinting->names = names;
        numbers = realloc(tinting->numbers, room * sizeof *numbers);
        if (numbers != NULL)
            tinting->numbers = numbers;
        if (names == NULL || numbers == NULL)
            return -ENOMEM;
    }
    memmove(tinting->names + place + 1, tinting->names + place,
            (count - place) * sizeof *tinting->names);
    memmove(tinting->numbers + place + 1, tinting->numbers + place,
            (count - place) * sizeof *tinting->numbers);
    tinting->names[place] = name;
    tinting->numbers[place] = *number = is_block(name) ? 0 : tinting->functions++;
    tinting->count++;
    return 0;
}

/*
 * The first row that is free from the span's begin on, at its level or below: calls of one thread
 * stand by their levels, those of others where there is room. -1: too deep.
 */
static int take_row(double ends[CHART_MOST_ROWS], const struct profile_span *span, double end)
{
    int row = span->level > 0 ? span->level : 0;

    while (row < CHART_MOST_ROWS && ends[row] > span->begin)
        row++;
    if (row >= CHART_MOST_ROWS)
        return -1;
    ends[row] = end;
    return row;
}

static int make_span(struct chart_span *to, const struct profile_span *from,
                     const struct tint *tint, const struct chart_frame *frame,
                     const struct plot_spec *spec)
{
    const char *name = short_name(from->name);

    to->name = plot_text_scrub(name, strlen(name), spec);
    to->full_name = plot_text_scrub(is_block(from->name) ? name : from->name,
                                    strlen(is_block(from->name) ? name : from->name), spec);
    to->begin = from->begin - frame->zero;
    to->end = from->open ? frame->end : from->end - frame->zero;
    to->memory_begin = from->memory_begin;
    to->memory_end = from->memory_end;
    to->is_block = is_block(from->name);
    to->is_open = from->open;
    to->colour = tint->bar;
    to->dark = tint->dark;
    return to->name == NULL || to->full_name == NULL ? -ENOMEM : 0;
}

/* The deepest row that is used, counted from 1. */
static void count_rows(struct chart *chart)
{
    for (size_t i = 0; i < chart->span_count; i++)
        if (chart->spans[i].row >= chart->row_count)
            chart->row_count = chart->spans[i].row + 1;
}

static int add_span(struct chart *chart, struct tinting *tinting, const struct profile_span *from,
                    double ends[CHART_MOST_ROWS], const struct chart_frame *frame,
                    const struct plot_spec *spec)
{
    double end = from->open ? INFINITY : from->end;
    size_t number = 0;
    int error = number_of(tinting, from->name, &number), row;

    if (error != 0)
        return error;
    row = take_row(ends, from, end);
    if (row < 0) {
        chart->left_out++;
        return 0;
    }
    if (end - frame->zero < frame->begin || from->begin - frame->zero > frame->end)
        return 0;
    chart->spans[chart->span_count].row = row;
    return make_span(&chart->spans[chart->span_count++], from,
                     is_block(from->name) ? &block_tint : &tints[number % TINTS], frame, spec);
}

int chart_spans_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec)
{
    struct tinting tinting = {0};
    double ends[CHART_MOST_ROWS];
    int error = 0;

    if (spec->no_functions || profile->span_count == 0)
        return 0;
    chart->spans = calloc(profile->span_count, sizeof *chart->spans);
    if (chart->spans == NULL)
        return -ENOMEM;
    for (int i = 0; i < CHART_MOST_ROWS; i++)
        ends[i] = -INFINITY;
    for (size_t i = 0; i < profile->span_count && error == 0; i++)
        error = add_span(chart, &tinting, &profile->spans[i], ends, frame, spec);
    count_rows(chart);
    free(tinting.names);
    free(tinting.numbers);
    return error;
}
