#include "plots/page_data.h"

#include <stdint.h>

#include "plots/json_text.h"
#include "plots/page_types.h"

/* A millionth of a picture's width is enough for zooming in. */
static int decimals_of_time(const struct chart *chart)
{
    double place = (chart->time.high - chart->time.low) * 1e-6;
    int decimals = 0;

    for (; place < 1 && decimals < 9; place *= 10)
        decimals++;
    return decimals;
}

static void put_memory(FILE *out, double memory)
{
    json_text_number(out, memory, 3);
}

static void put_colour(FILE *out, uint32_t colour)
{
    fprintf(out, "\"#%06x\"", (unsigned)colour);
}

static void put_points(FILE *out, const char *name, const struct chart_point *points, size_t count,
                       int decimals)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? "," : "", out);
        json_text_number(out, points[i].time, decimals);
        putc(',', out);
        put_memory(out, points[i].memory);
    }
    putc(']', out);
}

static void put_columns(FILE *out, const struct chart_series *series, int decimals)
{
    fputs(",\"columns\":[", out);
    for (size_t i = 0; i < series->n_columns; i++) {
        const struct chart_column *column = &series->columns[i];

        fputs(i > 0 ? "," : "", out);
        json_text_number(out, column->time, decimals);
        putc(',', out);
        json_text_number(out, column->least, 2);
        putc(',', out);
        json_text_number(out, column->most, 2);
        putc(',', out);
        json_text_number(out, column->mean, 2);
    }
    putc(']', out);
}

static void put_lifts(FILE *out, const struct chart_series *series)
{
    for (size_t i = 0; i < series->n_lifts; i++)
        fprintf(out, "%s%zu", i == 0 ? ",\"lifts\":[" : ",", series->lifts[i]);
    putc(']', out);
}

static void put_series(FILE *out, const struct chart_series *series, int decimals)
{
    static const char *const roles[] = {
        [CHART_MAIN] = "main", [CHART_CHILD] = "child", [CHART_OTHER] = "other"};

    fputs("{\"name\":", out);
    json_text_string(out, series->name);
    fprintf(out, ",\"role\":\"%s\",\"colour\":", roles[series->role]);
    put_colour(out, series->colour);
    if (series->legend != NULL) {
        fputs(",\"legend\":", out);
        json_text_string(out, series->legend);
    }
    if (series->has_peak) {
        fputs(",\"peak\":[", out);
        json_text_number(out, series->peak.time, decimals);
        putc(',', out);
        put_memory(out, series->peak.memory);
        putc(']', out);
    }
    if (series->n_columns > 0) {
        put_columns(out, series, decimals);
        /*
         * The script of the page reads `points` of every series: an empty list where columns are
         * drawn.
         */
        put_points(out, "points", NULL, 0, decimals);
    } else {
        put_points(out, "points", series->points, series->n_points, decimals);
        if (series->cut_begin || series->cut_end)
            fprintf(out, ",\"cut\":[%d,%d]", series->cut_begin, series->cut_end);
    }
    if (series->n_lifts > 0)
        put_lifts(out, series);
    put_points(out, "spikes", series->spikes, series->n_spikes, decimals);
    putc('}', out);
}

static void put_names(FILE *out, const struct chart *chart)
{
    fputs(",\"names\":[", out);
    for (size_t i = 0; i < chart->n_names; i++) {
        const struct chart_name *name = &chart->names[i];

        fputs(i > 0 ? ",[" : "[", out);
        json_text_string(out, name->name);
        putc(',', out);
        json_text_string(out, name->full_name);
        putc(',', out);
        put_colour(out, name->colour);
        fprintf(out, ",%d]", name->is_block);
    }
    putc(']', out);
}

static void put_spans(FILE *out, const struct chart *chart, int decimals)
{
    put_names(out, chart);
    fputs(",\"spans\":[", out);
    for (size_t i = 0; i < chart->n_spans; i++) {
        const struct chart_span *span = &chart->spans[i];

        fprintf(out, "%s[%zu,", i > 0 ? "," : "", span->name);
        json_text_number(out, span->begin, decimals);
        putc(',', out);
        json_text_number(out, span->end, decimals);
        putc(',', out);
        put_memory(out, span->memory_begin);
        putc(',', out);
        put_memory(out, span->memory_end);
        fprintf(out, ",%d,%d]", span->row, span->is_open);
    }
    putc(']', out);
}

/* [name, legend, colour] of each part, and points of as many numbers behind their time. */
static void put_layers(FILE *out, const struct chart_layers *layers, int decimals)
{
    if (layers->count == 0)
        return;
    fputs(",\"layers\":{\"kinds\":[", out);
    for (size_t part = 0; part < PROFILE_PARTS; part++) {
        fputs(part > 0 ? ",[" : "[", out);
        json_text_string(out, layers->kinds[part].name);
        putc(',', out);
        json_text_string(out, layers->kinds[part].legend);
        putc(',', out);
        put_colour(out, layers->kinds[part].colour);
        putc(']', out);
    }
    fputs("],\"points\":[", out);
    for (size_t i = 0; i < layers->count; i++) {
        fputs(i > 0 ? "," : "", out);
        json_text_number(out, layers->at[i].time, decimals);
        for (size_t part = 0; part < PROFILE_PARTS; part++) {
            putc(',', out);
            put_memory(out, layers->at[i].top[part]);
        }
    }
    fputs("],\"lifts\":[", out);
    for (size_t i = 0; i < layers->n_lifts; i++)
        fprintf(out, "%s%zu", i > 0 ? "," : "", layers->lifts[i]);
    fputs("]}", out);
}

/* [text, [begin, end, memory, ...]] of each that something came near. */
static void put_limits(FILE *out, const struct chart *chart, int decimals)
{
    const char *between = ",\"limits\":[[";

    for (size_t i = 0; i < PROFILE_LIMITS; i++) {
        const struct chart_limit *limit = &chart->limits[i];

        if (limit->n_pieces == 0)
            continue;
        fputs(between, out);
        between = ",[";
        json_text_string(out, limit->text);
        for (size_t j = 0; j < limit->n_pieces; j++) {
            fputs(j == 0 ? ",[" : ",", out);
            json_text_number(out, limit->pieces[j].begin, decimals);
            putc(',', out);
            json_text_number(out, limit->pieces[j].end, decimals);
            putc(',', out);
            put_memory(out, limit->pieces[j].memory);
        }
        fputs("]]", out);
    }
    fputs(between[1] == '"' ? "" : "]", out);
}

void page_put_data(FILE *out, const struct chart *chart)
{
    int decimals = decimals_of_time(chart);

    fputs("{\"title\":", out);
    json_text_string(out, chart->title);
    fputs(",\"time\":[", out);
    json_text_number(out, chart->time.low, decimals);
    putc(',', out);
    json_text_number(out, chart->time.high, decimals);
    fprintf(out, "],\"profiles\":%zu,\"rows\":%d,\"flame\":%s", chart->n_profiles, chart->n_rows,
            chart->is_flame ? "true" : "false");
    if (chart->has_trend) {
        put_points(out, "trend", chart->trend, 2, decimals);
        fputs(",\"trendText\":", out);
        json_text_string(out, chart->trend_text);
    }
    put_layers(out, &chart->layers, decimals);
    put_limits(out, chart, decimals);
    fputs(",\"series\":[", out);
    for (size_t i = 0; i < chart->n_series; i++) {
        fputs(i > 0 ? "," : "", out);
        put_series(out, &chart->series[i], decimals);
    }
    putc(']', out);
    put_spans(out, chart, decimals);
    page_put_types(out, chart, decimals);
    putc('}', out);
}
