/*
 * A chart as a gnuplot script: one self-contained file for gnuplot 5.0 and later, which draws to
 * its standard output. Nothing is said about where the picture goes.
 */
#ifndef PLOTS_GNUPLOT_SCRIPT_H
#define PLOTS_GNUPLOT_SCRIPT_H

#include <stdio.h>

#include "plots/layout.h"

enum gnuplot_terminal {
    GNUPLOT_PNG, /* pngcairo */
    GNUPLOT_SVG,
    GNUPLOT_PDF, /* pdfcairo */
    GNUPLOT_EPS, /* epscairo */
    GNUPLOT_PS,  /* the same, as wide as a sheet of paper */
    GNUPLOT_JPEG,
    GNUPLOT_QT, /* windows: the script waits until they are closed */
    GNUPLOT_WXT,
    GNUPLOT_X11,
    GNUPLOT_DUMB, /* in a terminal */
    GNUPLOT_SIXEL,
};

/* The terminal of that name (png svg pdf eps ps jpeg qt wxt x11 dumb sixel), or -1. */
int gnuplot_terminal_find(const char *name);

/* Writes the script. 0 or -errno of the stream. */
int gnuplot_script_write(FILE *out, const struct layout *layout, enum gnuplot_terminal terminal);

#endif
