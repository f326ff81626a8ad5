/* The text table, and the ranking of a run: how one row looks. Memory is in MiB. */
#ifndef MEMPROF_LINE_REPORT_H
#define MEMPROF_LINE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_REPORT_MAX_PRECISION 20
#define LINE_REPORT_PREFIX_SIZE 1024

#define LINE_REPORT_HEADER_SIZE 240

/* Writes what stands above every table, without line ends; with these columns or without them. */
void line_report_header(char text[LINE_REPORT_HEADER_SIZE], int peak, int time, int heap);

/* The same above the rows of a ranking. */
void line_report_ranking_header(char text[LINE_REPORT_HEADER_SIZE], int peak);

/* One measured line; `measured` 0 leaves its columns blank. */
struct line_report_row {
    int64_t line;
    bool is_ranked; /* measured, and the line is named behind it: no number stands before it */
    int measured;
    double mem, increment; /* MiB */
    int64_t hits;
    bool has_peak, has_time;         /* columns of the whole table, also of its unmeasured lines */
    double peak;                     /* MiB */
    double time, per_hit;            /* microseconds */
    double percent;                  /* of the time of the whole table */
    bool has_heap;                   /* a column of the whole table, as above */
    bool is_heap_known;              /* of this line */
    double allocated, at_peak, left; /* MiB */
    int64_t allocations;
};

/*
 * Writes all of a row that stands before the source text, with decimals whatever the locale says.
 * `growth`: MiB, up and down, of all lines but the first; a line that made a hundredth of it
 * matters and is painted, the hotter the more it made (report_heat()); with -1 none is. Returns its
 * length (below LINE_REPORT_PREFIX_SIZE), or -EINVAL for a precision outside
 * 0..LINE_REPORT_MAX_PRECISION.
 */
int line_report_prefix(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                       int precision, double growth);

/* What is said of a peak before its place: whose it was, in few words, and seconds after the start.
 * Likewise. */
int line_report_peak(char text[LINE_REPORT_PREFIX_SIZE], const char *whose, double mebibytes,
                     double seconds, int precision);

#endif
