/*
 * Where a chart goes and in which form: a file, a browser, a window of gnuplot, this terminal.
 * Functions return an exit status, and have said in one line what went wrong where it is not 0.
 * Call order: picture_choose, then the chart is made, picture_draw, picture_release in any case.
 */
#ifndef MPROF_PICTURE_H
#define MPROF_PICTURE_H

#include <stdbool.h>

#include "plots/chart.h"
#include "plots/gnuplot_script.h"

enum picture_form {
    PICTURE_GNUPLOT, /* drawn by gnuplot, with `terminal` */
    PICTURE_SCRIPT,  /* .gp */
    PICTURE_PAGE,    /* .html */
    PICTURE_TEXT,    /* .txt, or the terminal */
    PICTURE_TRACE,   /* .json */
    PICTURE_METRICS, /* .prom */
};

/* Whether a form is written from the profile itself, of which there is one, and not from a chart.
 */
static inline bool picture_is_data(enum picture_form form)
{
    return form == PICTURE_TRACE || form == PICTURE_METRICS;
}

struct glyphs;

struct picture_request {
    const char *output;            /* -o, or NULL */
    char *named;                   /* owned: the same with the suffix that it lacked, or NULL */
    const char *backend;           /* --backend, or NULL */
    int sized;                     /* --size was given */
    const struct profile *profile; /* borrowed: what data is written from */
    enum picture_form form;
    enum gnuplot_terminal terminal;
    struct glyphs *glyphs; /* owned; NULL: not asked */
};

/* Chooses the form; sets what the fonts can show. */
int picture_choose(struct picture_request *request, struct plot_spec *spec);

/* Whether the file is to hold each sample: of others the profile may be thinned while it is read.
 */
bool picture_needs_all(const char *output);

/* `chart` is NULL where picture_is_data(). */
int picture_draw(const struct picture_request *request, const struct chart *chart,
                 const struct plot_spec *spec);

void picture_release(struct picture_request *request, struct plot_spec *spec);

#endif
