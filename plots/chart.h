/*
 * What a chart shows, before any pixel: series, spans, bands, the peak, texts and scales, made from
 * one profile or several that are drawn over each other. Every form of a chart is made of this.
 *
 * Memory is in MiB, times are in seconds from the profile's first sample. All text is scrubbed
 * (plot_text.h). Colours are 0xRRGGBB and belong to names, not to places: a window changes none.
 *
 * Call order: chart_make, then any of layout_make, page_write and text_plot_write, chart_release.
 * All that a chart points at is owned by it. One thread at a time, as everything in plots/.
 */
#ifndef PLOTS_CHART_H
#define PLOTS_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/profile.h"
#include "plots/axis.h"
#include "plots/plot_spec.h"

struct chart_point {
    double time, memory;
};

/* A column of samples that are too dense to be drawn each. */
struct chart_column {
    double time; /* of its middle */
    double least, most, mean;
};

enum chart_role {
    CHART_MAIN,  /* the process that was run, or one of several profiles */
    CHART_CHILD, /* one of the largest children, in a colour of its own */
    CHART_OTHER, /* the other children: grey, with one legend line for all of them */
};

struct chart_series {
    char *name;   /* "main process", "child 4217", "demo.dat" */
    char *legend; /* name and peak; NULL: not in the legend */
    enum chart_role role;
    uint32_t colour;
    struct chart_point *points; /* in order of time; where dense: the extremes of the columns */
    size_t n_points;
    int cut_begin, cut_end; /* the first, the last point is no sample: the window cuts the line */
    struct chart_column *columns; /* dense series only */
    size_t n_columns;
    size_t *lifts; /* points (where dense: columns) to which no line comes: a later run begins */
    size_t n_lifts;
    struct chart_point *spikes; /* the most between two samples (SPIKE) */
    size_t n_spikes;
    uint64_t seen;           /* samples in the file */
    bool has_peak;           /* inside the window */
    struct chart_point peak; /* of the whole run, HWMs included */
};

/* A function, or a block of profile.timestamp(): all that its calls share. */
struct chart_name {
    char *name;            /* as it is drawn: "fit_fold" */
    char *full_name;       /* "pipeline.fit_fold" */
    bool is_block;         /* also drawn as a pale band */
    uint32_t colour, dark; /* of bars, and of brackets */
};

/* One call. */
struct chart_span {
    size_t name; /* index into chart.names */
    double begin, end;
    double memory_begin, memory_end;
    int row;      /* of the lanes, from 0 */
    bool is_open; /* its end was never written: it was running when the program ended */
};

/* What memory is made of, at a time: the upper edge of each part, which stand over each other. */
struct chart_layer_point {
    double time;
    double top[PROFILE_PARTS]; /* by enum profile_part */
};

struct chart_layers {
    struct chart_layer_point *at; /* in order of time */
    size_t count;                 /* 0: parts were not recorded */
    size_t *lifts;                /* points that do not go on from the one before */
    size_t n_lifts;
    struct {
        const char *name; /* not owned */
        char *legend;     /* name and last value */
        double last;      /* MiB */
        uint32_t colour;
    } kinds[PROFILE_PARTS];
};

/* A limit from a time to another. */
struct chart_piece {
    double begin, end, memory;
};

struct chart_limit {
    char *text; /* "cgroup limit 512 MiB", of its last piece; NULL: nothing came near it */
    struct chart_piece *pieces;
    size_t n_pieces;
};

/* What was told of a type: in bytes, -1 where it was not among those that were told. */
struct chart_type {
    char *name;
    bool is_told;          /* by the last census */
    struct type_value now; /* by the last that told it */
    int64_t least, most;   /* of the whole run */
    int64_t grown;         /* from the first census to `now` */
    int64_t *bytes;        /* at each time */
};

/* The types of a process. */
struct chart_types {
    char *process; /* as series are called */
    double *times; /* of censuses in the window */
    size_t n_times;
    struct chart_type *at;
    size_t count;
};

#define CHART_LIMIT_COLOUR 0x8a4b08

struct chart {
    char *title, *subtitle;
    size_t n_profiles; /* more than one: they are drawn over each other, without spans */
    struct axis time, memory;
    struct chart_series *series; /* in order of drawing: the last on top */
    size_t n_series;
    struct chart_layers layers;                /* of a single profile */
    struct chart_limit limits[PROFILE_LIMITS]; /* the same */
    struct chart_types *types;                 /* the same: one for each process that told them */
    size_t n_types;
    struct chart_name *names; /* in order of appearance */
    size_t n_names;
    struct chart_span *spans; /* that touch the window, in order of their begins */
    size_t n_spans;
    int n_rows;      /* of the lanes */
    size_t left_out; /* spans nested deeper than CHART_MOST_ROWS */
    bool is_flame;
    bool has_trend;
    struct chart_point trend[2]; /* ends of the straight line */
    char *trend_text;            /* "+1.25 MiB/s" */
};

/* Whether no line comes to that point from the one before. Those of dense series are not known. */
static inline bool chart_series_is_lifted(const struct chart_series *series, size_t point)
{
    for (size_t i = 0; i < series->n_lifts && series->n_columns == 0; i++)
        if (series->lifts[i] == point)
            return true;
    return false;
}

/* From when to when a chart goes, in moments and in seconds from `zero`. */
struct chart_frame {
    double zero;       /* moment of the first sample */
    double begin, end; /* seconds */
};

#define CHART_MOST_ROWS 12

/* Children beyond this many, by their peaks, are CHART_OTHER. */
#define CHART_COLOURED_CHILDREN 6

static inline const struct chart_name *chart_name_of(const struct chart *chart,
                                                     const struct chart_span *span)
{
    return &chart->names[span->name];
}

#endif
