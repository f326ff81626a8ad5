#include "memprof/profile/type_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"

void type_history_release(struct type_history *history)
{
    for (size_t i = 0; i < history->count; i++) {
        free(history->at[i].name);
        free(history->at[i].bytes);
    }
    free(history->at);
    free(history->moments);
    memset(history, 0, sizeof *history);
}

/* ---- points ---- */

static void forget_points_from(struct type_history *history, size_t point)
{
    history->n_points = point;
    for (size_t i = 0; i < history->count; i++)
        if (history->at[i].n_points > point)
            history->at[i].n_points = point;
}

/* Every second point goes. */
static void thin(struct type_history *history)
{
    for (size_t point = 0; 2 * point < history->n_points; point++)
        history->moments[point] = history->moments[2 * point];
    for (size_t i = 0; i < history->count; i++) {
        struct type_series *series = &history->at[i];

        for (size_t point = 0; 2 * point < series->n_points; point++)
            series->bytes[point] = series->bytes[2 * point];
    }
    for (size_t i = 0; i < history->count; i++)
        history->at[i].n_points = (history->at[i].n_points + 1) / 2;
    history->n_points = (history->n_points + 1) / 2;
    history->stride *= 2;
}

static int begin_census(struct type_history *history, double moment)
{
    double *moments;

    if (history->n_censuses == 0) {
        history->stride = 1;
        history->first = moment;
    } else if ((history->n_censuses - 1) % history->stride != 0) {
        forget_points_from(history, history->n_points - 1); /* it was there as the last */
    }
    if (history->n_points == TYPE_POINTS)
        thin(history);
    moments = grow_double(history->moments, sizeof *moments, history->n_points + 1,
                          &history->point_capacity);
    if (moments == NULL)
        return -ENOMEM;
    history->moments = moments;
    moments[history->n_points++] = history->last = moment;
    history->n_censuses++;
    return 0;
}

/* What the last point says of the type. */
static int put(struct type_history *history, struct type_series *series, int64_t bytes)
{
    size_t point = history->n_points - 1;
    int64_t *at = grow_double(series->bytes, sizeof *at, point + 1, &series->point_capacity);

    if (at == NULL)
        return -ENOMEM;
    series->bytes = at;
    while (series->n_points <= point)
        at[series->n_points++] = -1;
    at[point] = bytes;
    return 0;
}

/* ---- types ---- */

static bool is_called(const struct type_series *series, const char *name, size_t length)
{
    return strlen(series->name) == length && memcmp(series->name, name, length) == 0;
}

/* Censuses tell types in nearly the same order: the search begins where the one before ended. */
static struct type_series *find(struct type_history *history, const char *name, size_t length)
{
    for (size_t i = 0; i < history->count; i++) {
        size_t at = (history->hint + i) % history->count;

        if (is_called(&history->at[at], name, length)) {
            history->hint = at + 1;
            return &history->at[at];
        }
    }
    return NULL;
}

static struct type_series *add(struct type_history *history, const char *name, size_t length)
{
    struct type_series *at =
        grow_double(history->at, sizeof *at, history->count + 1, &history->capacity);

    if (at == NULL)
        return NULL;
    history->at = at;
    at += history->count;
    memset(at, 0, sizeof *at);
    at->name = strndup(name, length); /* to its first NUL */
    if (at->name == NULL)
        return NULL;
    at->in_first = history->n_censuses;
    history->count++;
    return at;
}

static void sum_up(struct type_series *series, struct type_value value, uint64_t census)
{
    if (series->in_first == census)
        series->first = value;
    if (series->in_first == census || value.bytes < series->least)
        series->least = value.bytes;
    if (value.bytes > series->most)
        series->most = value.bytes;
    series->last = value;
    series->in_last = census;
}

int type_history_add(struct type_history *history, double moment, const char *name, size_t length,
                     struct type_value value)
{
    struct type_series *series;
    int error = 0;

    length = strnlen(name, length);
    if (history->n_censuses == 0 || moment != history->last)
        error = begin_census(history, moment);
    if (error != 0)
        return error;
    series = find(history, name, length);
    if (series == NULL && history->count == TYPES_KEPT) {
        history->left_out++;
        return 0;
    }
    if (series == NULL && (series = add(history, name, length)) == NULL)
        return -ENOMEM;
    sum_up(series, value, history->n_censuses);
    return put(history, series, value.bytes);
}

bool type_series_is_told(const struct type_history *history, const struct type_series *series)
{
    return series->in_last == history->n_censuses;
}

/* ---- growth ---- */

static int compare_growth(const void *left, const void *right)
{
    const struct type_growth *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    if (a->objects != b->objects)
        return a->objects < b->objects ? 1 : -1;
    return strcmp(a->type->name, b->type->name);
}

static struct type_growth growth_of(const struct type_series *series)
{
    struct type_growth growth = {series, series->last.objects, series->last.bytes};

    if (series->in_first == 1) {
        growth.objects -= series->first.objects;
        growth.bytes -= series->first.bytes;
    }
    return growth;
}

int type_history_growth(const struct type_history *history, struct type_growth **rows,
                        size_t *count)
{
    *count = 0;
    *rows = history->count == 0 ? NULL : calloc(history->count, sizeof **rows);
    if (*rows == NULL)
        return history->count == 0 ? 0 : -ENOMEM;
    for (size_t i = 0; i < history->count; i++) {
        struct type_growth growth = growth_of(&history->at[i]);

        if (type_series_is_told(history, &history->at[i]) &&
            (growth.bytes > 0 || (growth.bytes == 0 && growth.objects > 0)))
            (*rows)[(*count)++] = growth;
    }
    qsort(*rows, *count, sizeof **rows, compare_growth);
    return 0;
}
