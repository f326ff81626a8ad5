/* The text table: how one row looks. Memory is in MiB. */
#ifndef MEMPROF_LINE_REPORT_H
#define MEMPROF_LINE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#define LINE_REPORT_MAX_PRECISION 20
#define LINE_REPORT_PREFIX_SIZE 1024

/* What stands above every table, without line ends. */
extern const char line_report_header[];

/* One measured line; `measured` 0 leaves its columns blank. */
struct line_report_row {
    int64_t line;
    int measured;
    double mem, increment; /* MiB */
    int64_t hits;
};

/*
 * Writes all of a row that stands before the source text, with decimals whatever the locale says.
 * `colour` paints the increment. Returns its length (below LINE_REPORT_PREFIX_SIZE), or -EINVAL
 * for a precision outside 0..LINE_REPORT_MAX_PRECISION.
 */
int line_report_prefix(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                       int precision, int colour);

#endif
