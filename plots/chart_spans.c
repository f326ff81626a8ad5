#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_spans.h"
#include "plots/span_name.h"

struct tint {
    uint32_t bar, dark;
};

static const struct tint block_tint = {0xf7d560, 0x9a7400};

static const struct tint tints[] = {
    {0xa9cdea, 0x2b6ca3}, {0xffc58a, 0xc9670a}, {0x9bd990, 0x2f8f2f}, {0xf4b0bd, 0xc2405c},
    {0xc3b0e0, 0x6f4bb0}, {0x8fd8d3, 0x1b8a85}, {0xd3bfa9, 0x84623c},
};

#define TINTS (sizeof tints / sizeof tints[0])

/* Names that were met before, by their address: profile.h keeps one copy of each. */
struct known {
    const char **names; /* sorted by address */
    size_t *numbers;    /* of each, in chart->names */
    size_t count, functions;
    const struct plot_spec *spec;
};

static size_t place_of(const struct known *known, const char *name)
{
    size_t low = 0, high = known->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if ((uintptr_t)known->names[middle] < (uintptr_t)name)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for one more in all three arrays, which double at every power of two. */
static int make_room(struct known *known, struct chart *chart)
{
    size_t count = known->count, room = count == 0 ? 1 : 2 * count;
    struct chart_name *names;
    const char **addresses;
    size_t *numbers;

    if ((count & (count - 1)) != 0)
        return 0;
    names = realloc(chart->names, room * sizeof *names);
    if (names != NULL)
        chart->names = names;
    addresses = realloc(known->names, room * sizeof *addresses);
    if (addresses != NULL)
        known->names = addresses;
    numbers = realloc(known->numbers, room * sizeof *numbers);
    if (numbers != NULL)
        known->numbers = numbers;
    return names == NULL || addresses == NULL || numbers == NULL ? -ENOMEM : 0;
}

/* The next name of the chart. */
static int add_name(struct chart *chart, struct known *known, const char *name)
{
    struct chart_name *to = &chart->names[chart->n_names];
    const char *drawn = span_name_short(name), *full = span_name_is_block(name) ? drawn : name;
    const struct tint *tint =
        span_name_is_block(name) ? &block_tint : &tints[known->functions++ % TINTS];

    to->name = plot_text_scrub(drawn, strlen(drawn), known->spec);
    to->full_name = plot_text_scrub(full, strlen(full), known->spec);
    to->is_block = span_name_is_block(name);
    to->colour = tint->bar;
    to->dark = tint->dark;
    chart->n_names++;
    return to->name == NULL || to->full_name == NULL ? -ENOMEM : 0;
}

/* The index of a name in the chart's, which gets it when it is new. */
static int find_name(struct chart *chart, struct known *known, const char *name, size_t *index)
{
    size_t place = place_of(known, name), behind = known->count - place;
    int error;

    if (behind > 0 && known->names[place] == name) {
        *index = known->numbers[place];
        return 0;
    }
    error = make_room(known, chart);
    if (error != 0)
        return error;
    memmove(known->names + place + 1, known->names + place, behind * sizeof *known->names);
    memmove(known->numbers + place + 1, known->numbers + place, behind * sizeof *known->numbers);
    known->names[place] = name;
    known->numbers[place] = *index = known->count++;
    return add_name(chart, known, name);
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

/* The deepest row that is used, counted from 1. */
static void count_rows(struct chart *chart)
{
    for (size_t i = 0; i < chart->n_spans; i++)
        if (chart->spans[i].row >= chart->n_rows)
            chart->n_rows = chart->spans[i].row + 1;
}

static int add_span(struct chart *chart, struct known *known, const struct profile_span *from,
                    double ends[CHART_MOST_ROWS], const struct chart_frame *frame)
{
    /* A call that never ended keeps its row to the end of the run. */
    double end = from->open ? INFINITY : from->end;
    struct chart_span *to = &chart->spans[chart->n_spans];
    int error = find_name(chart, known, from->name, &to->name), row;

    if (error != 0)
        return error;
    /* Also for spans outside the window: a window moves no bar and changes no colour. */
    row = take_row(ends, from, end);
    if (row < 0) {
        chart->left_out++;
        return 0;
    }
    if (end - frame->zero < frame->begin || from->begin - frame->zero > frame->end)
        return 0;
    to->begin = from->begin - frame->zero;
    to->end = from->open ? frame->end : from->end - frame->zero;
    to->memory_begin = from->memory_begin;
    to->memory_end = from->memory_end;
    to->row = row;
    to->is_open = from->open;
    chart->n_spans++;
    return 0;
}

int chart_spans_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec)
{
    struct known known = {.spec = spec};
    double ends[CHART_MOST_ROWS];
    int error = 0;

    if (spec->no_functions || profile->n_spans == 0)
        return 0;
    chart->spans = calloc(profile->n_spans, sizeof *chart->spans);
    if (chart->spans == NULL)
        return -ENOMEM;
    for (int i = 0; i < CHART_MOST_ROWS; i++)
        ends[i] = -INFINITY;
    for (size_t i = 0; i < profile->n_spans && error == 0; i++)
        error = add_span(chart, &known, &profile->spans[i], ends, frame);
    count_rows(chart);
    free(known.names);
    free(known.numbers);
    return error;
}
