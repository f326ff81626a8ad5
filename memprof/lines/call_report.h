/* The table of functions: how one row looks. Memory is in MiB. */
#ifndef MEMPROF_CALL_REPORT_H
#define MEMPROF_CALL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define CALL_REPORT_ROW_SIZE 1600
#define CALL_REPORT_MAX_PRECISION 20

/* What stands above the rows, without line ends. */
extern const char call_report_header[];

struct call_report_row {
    uint64_t calls, primitive; /* shown as "calls/primitive" where they differ */
    double own, cumulative;    /* MiB */
    bool has_peak;             /* 0: a caller or callee, of which no peak is known */
    double peak;
};

/*
 * Writes all of a row that stands before the function's name, with decimals whatever the locale
 * says. `all`: MiB, up and down, that functions grew themselves; what this one did is painted by
 * its share (report_heat()), with -1 it is not. Its length, or -EINVAL for a precision outside
 * 0..CALL_REPORT_MAX_PRECISION.
 */
int call_report_prefix(char text[CALL_REPORT_ROW_SIZE], const struct call_report_row *row,
                       int precision, double all);

#endif
