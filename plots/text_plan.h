/* Which rows of a terminal go to what, so that all of a chart fits into its window. */
#ifndef PLOTS_TEXT_PLAN_H
#define PLOTS_TEXT_PLAN_H

/* Rows that the parts of a chart would take. */
struct text_wish {
    int curves;   /* how many there are; if more than one, each with a row for its legend */
    int subtitle; /* lines below the title */
    int lanes, children, trend;
    int notes; /* what the limits and the layers are */
};

struct text_plan {
    int subtitle, lanes, children, trend, notes;
    int height;    /* of each curve, at least 1 */
    int has_peaks; /* a row over each curve says its peak */
};

/* With fewer rows a chart is as small as it can be, and higher than its window. */
#define TEXT_PLAN_LEAST_ROWS 5

/*
 * A plan for a window of `rows` rows and `columns` columns, of which the last row is the prompt's.
 * Rows 0: there is no window, and everything is shown.
 */
struct text_plan text_plan_make(const struct text_wish *wish, int rows, int columns);

#endif
