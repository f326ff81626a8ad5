/*
 * A chart as one HTML file that needs nothing else: no network, no server, no gnuplot. And as two
 * while it is still recorded: a page, and beside it a script that is replaced again and again,
 * which the page asks for. Functions return 0, or -EIO of the stream.
 */
#ifndef PLOTS_PAGE_H
#define PLOTS_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "plots/chart.h"

/* Two columns for each pixel of a usual window, so that zooming in shows more. */
#define PAGE_COLUMNS 2500

/* Writes the page. */
int page_write(FILE *out, const struct chart *chart);

/* Writes the page of a recording that goes on, which shows what is in the file of that name beside
 * it. */
int page_write_live(FILE *out, const char *data_name);

/* What that file begins with. */
#define PAGE_VERSION_BEGIN "mprofLive("

struct page_version {
    int64_t written_ms; /* since the epoch: tells one from another */
    double pace;        /* seconds to the next one */
    bool has_ended;     /* this is the last one */
};

/* Writes what that file holds; without a chart (NULL) there is nothing to be drawn yet. */
int page_write_version(FILE *out, const struct chart *chart, const struct page_version *version);

#endif
