/* What the user asked for: the same for every form of a chart. */
#ifndef PLOTS_PLOT_SPEC_H
#define PLOTS_PLOT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

struct plot_spec {
    const char *title; /* NULL: the command line, or how many profiles there are */
    int no_functions;  /* neither calls nor blocks */
    int flame;         /* calls as a flame graph behind the curve, not as lanes below it */
    int slope;         /* the straight line through all samples, in MiB per second */
    bool has_window;   /* draw only what lies between these, in seconds from the start */
    double window_begin, window_end; /* an infinite one is the end of the run */
    int width, height;               /* of a picture, in pixels */
    int columns;                     /* of time that long series are reduced to; 0: the width */
    /* Whether the fonts can show a character; NULL: all of them. Others are drawn as '?'. */
    bool (*can_show)(void *context, uint32_t character);
    void *context; /* borrowed; given to can_show() */
};

static inline int plot_spec_columns(const struct plot_spec *spec)
{
    return spec->columns > 0 ? spec->columns : spec->width;
}

#define PLOT_WIDTH 1400
#define PLOT_HEIGHT 760
#define PLOT_LEAST_WIDTH 300
#define PLOT_LEAST_HEIGHT 200
#define PLOT_MOST_SIZE 8000

#endif
