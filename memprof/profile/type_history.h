/*
 * The types of a process over time, as censuses told them (TYPE): each the hungriest alone, so that
 * a type may be missing from some. Memory stays bounded however long the file is: the first
 * TYPES_KEPT names have a history, and of many censuses every second, fourth, ... is kept, and the
 * last; the first and the last value of a type, its least and its most are exact.
 *
 * A history that is all zero is empty. Functions that return int return 0 or -ENOMEM.
 */
#ifndef MEMPROF_TYPE_HISTORY_H
#define MEMPROF_TYPE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TYPES_KEPT 256
#define TYPE_POINTS 512 /* even */

struct type_value {
    int64_t objects, bytes;
};

struct type_series {
    char *name;
    struct type_value first, last;   /* of the censuses that told it, */
    uint64_t in_first, in_last;      /* and their numbers */
    int64_t least, most;             /* bytes */
    int64_t *bytes;                  /* by number of point; -1: it was not told */
    size_t n_points, point_capacity; /* behind them it was not told either */
};

struct type_history {
    struct type_series *at; /* in order of appearance */
    size_t count, capacity;
    size_t left_out;     /* lines of names beyond TYPES_KEPT */
    double *moments;     /* of the points */
    size_t n_points;     /* TYPE_POINTS at most */
    uint64_t n_censuses; /* that there were */
    uint64_t stride;     /* private: of so many one is a point */
    size_t point_capacity, hint;
    double first, last; /* moments of the first census and of the last */
};

void type_history_release(struct type_history *history);

/* Adds a line of the census of that moment; lines of one census come together, one for a name. */
int type_history_add(struct type_history *history, double moment, const char *name, size_t length,
                     struct type_value value);

/* What a point says of a type, in bytes; -1: it was not among those that were told. */
static inline int64_t type_series_at(const struct type_series *series, size_t point)
{
    return point < series->n_points ? series->bytes[point] : -1;
}

/* Whether the last census told it. */
bool type_series_is_told(const struct type_history *history, const struct type_series *series);

/* By how much a type grew. */
struct type_growth {
    const struct type_series *type; /* borrowed */
    int64_t objects, bytes;
};

/*
 * The types that have more bytes or objects in the last census than in the first, the most bytes
 * first. One that the first did not tell counts from none there: it had less than all that were
 * told. *rows is to be freed, NULL where there are none.
 */
int type_history_growth(const struct type_history *history, struct type_growth **rows,
                        size_t *count);

#endif
