#include "plots/chart_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_subtitle.h"

static int add_type(struct chart_types *types, const struct type_history *history,
                    const struct type_series *series, size_t begin, const struct plot_spec *spec)
{
    struct chart_type *type = &types->at[types->count++];

    type->is_told = type_series_is_told(history, series);
    type->now = series->last;
    type->least = series->least;
    type->most = series->most;
    type->grown = series->last.bytes - (series->in_first == 1 ? series->first.bytes : 0);
    type->name = plot_text_scrub(series->name, strlen(series->name), spec);
    type->bytes = calloc(types->n_times + 1, sizeof *type->bytes);
    if (type->name == NULL || type->bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < types->n_times; i++)
        type->bytes[i] = type_series_at(series, begin + i);
    return 0;
}

/* The moments in the frame. Returns the first point that is. */
static size_t put_times(struct chart_types *types, const struct type_history *history,
                        const struct chart_frame *frame)
{
    size_t begin = 0;

    for (size_t i = 0; i < history->n_points; i++) {
        double time = history->moments[i] - frame->zero;

        if (time > frame->end)
            break;
        if (time >= frame->begin)
            types->times[types->n_times++] = time;
        else if (types->n_times == 0)
            begin = i + 1;
    }
    return begin;
}

static int add_process(struct chart *chart, const struct profile_process *process,
                       const struct chart_frame *frame, const struct plot_spec *spec)
{
    const struct type_history *history = &process->types;
    struct chart_types *types = &chart->types[chart->n_types++];
    size_t begin;
    int error;

    types->times = calloc(history->n_points, sizeof *types->times);
    types->at = calloc(history->count, sizeof *types->at);
    if (types->times == NULL || types->at == NULL)
        return -ENOMEM;
    error = process->is_root
                ? chart_text_append(&types->process, "main process")
                : chart_text_append(&types->process, "child %lld", (long long)process->pid);
    begin = put_times(types, history, frame);
    for (size_t i = 0; i < history->count && error == 0; i++)
        error = add_type(types, history, &history->at[i], begin, spec);
    return error;
}

int chart_types_make(struct chart *chart, const struct profile *profile,
                     const struct chart_frame *frame, const struct plot_spec *spec)
{
    size_t count = 0;
    int error = 0;

    for (size_t i = 0; i < profile->n_processes; i++)
        count += profile->processes[i].types.count > 0;
    if (count == 0)
        return 0;
    chart->types = calloc(count, sizeof *chart->types);
    if (chart->types == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < profile->n_processes && error == 0; i++)
        if (profile->processes[i].types.count > 0)
            error = add_process(chart, &profile->processes[i], frame, spec);
    return error;
}

void chart_types_release(struct chart *chart)
{
    for (size_t i = 0; i < chart->n_types; i++) {
        struct chart_types *types = &chart->types[i];

        for (size_t j = 0; j < types->count; j++) {
            free(types->at[j].name);
            free(types->at[j].bytes);
        }
        free(types->process);
        free(types->times);
        free(types->at);
    }
    free(chart->types);
}
