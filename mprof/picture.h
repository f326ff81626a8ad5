/*
 * Where a chart goes and in which form: a file, a browser, a window of gnuplot, this terminal.
 * Functions return an exit status, and have said in one line what went wrong where it is not 0.
 * Call order: picture_choose, then the chart is made, picture_draw, picture_release in any case.
 */
#ifndef MPROF_PICTURE_H
#define MPROF_PICTURE_H

#include "plots/chart.h"
#include "plots/gnuplot_script.h"

enum picture_form {
    PICTURE_GNUPLOT, /* drawn by gnuplot, with `terminal` */
    PICTURE_SCRIPT,  /* .gp */
    PICTURE_PAGE,    /* .html */
    PICTURE_TEXT,    /* .txt, or the terminal */
};

struct glyphs;

struct picture_request {
    const char *output;  /* -o, or NULL */
    char *named;         /* owned: the same with the suffix that it lacked, or NULL */
    const char *backend; /* --backend, or NULL */
    int sized;           /* --size was given */
    enum picture_form form;
    enum gnuplot_terminal terminal;
    struct glyphs *glyphs; /* owned; NULL: not asked */
};

/* Chooses the form; sets what the fonts can show. */
int picture_choose(struct picture_request *request, struct plot_spec *spec);

int picture_draw(const struct picture_request *request, const struct chart *chart,
                 const struct plot_spec *spec);

void picture_release(struct picture_request *request, struct plot_spec *spec);

#endif
