/* A scale: from where to where, in which unit, and where its ticks are. */
#ifndef PLOTS_AXIS_H
#define PLOTS_AXIS_H

#include "plots/plot_text.h"

enum axis_form {
    AXIS_NUMBER,        /* 0.5 */
    AXIS_MINUTE_SECOND, /* 3:30 */
    AXIS_HOUR_MINUTE,   /* 4:00 */
};

struct axis {
    double low, high; /* in MiB or seconds */
    double unit;      /* how many of these one unit of the labels is: 1024 for GiB */
    double step;      /* between ticks, in MiB or seconds */
    int decimals;     /* of labels, with AXIS_NUMBER */
    enum axis_form form;
    const char *title; /* "memory (GiB)" */
};

/* How much higher than the highest point a scale of memory is. */
#define AXIS_HEADROOM 1.094

/* Memory from 0 to above `most` MiB, with about `ticks` ticks. */
void axis_of_memory(struct axis *axis, double most, int ticks);

/*
 * Memory for a chart of at most *rows rows, from 0 to `most` MiB or little more: ticks are round
 * and stand on every so many rows, which is returned. *rows becomes what the chart takes.
 */
int axis_of_rows(struct axis *axis, double most, int *rows);

/* Time from `low` to `high` seconds, with about `ticks` ticks. */
void axis_of_time(struct axis *axis, double low, double high, int ticks);

/* The first tick that is not below axis->low. */
double axis_first_tick(const struct axis *axis);

/* What stands at a tick. */
void axis_label(const struct axis *axis, double value, char text[PLOT_NUMBER_SIZE]);

#endif
