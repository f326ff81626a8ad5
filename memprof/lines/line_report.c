#include "memprof/lines/line_report.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>

#if __has_include(<xlocale.h>) /* where macOS declares uselocale() */
#include <xlocale.h>
#endif

#define COLOUR_MORE "\033[31m"
#define COLOUR_LESS "\033[32m"
#define COLOUR_END "\033[0m"

void line_report_header(char text[LINE_REPORT_HEADER_SIZE], int peak, int time, int heap)
{
    snprintf(text, LINE_REPORT_HEADER_SIZE,
             "Line #    Mem usage    Increment  Occurrences%s%s%s   %s",
             peak ? "         Peak" : "", time ? "         Time      Per Hit   % Time" : "",
             heap ? "    Allocated     Allocs      At peak         Left" : "", "Line Contents");
}

/* "   1.234 MiB", the number at least precision + 4 wide. */
static void write_memory(char *text, size_t size, double mebibytes, int precision)
{
    snprintf(text, size, "%*.*f MiB", precision + 4, precision, mebibytes);
}

/* The columns of what a line has allocated. Their length. */
static int write_heap(char *text, size_t size, const struct line_report_row *row, int precision)
{
    char allocated[400], at_peak[400], left[400];

    if (!row->is_heap_known)
        return snprintf(text, size, " %12s %10s %12s %12s", "", "", "", "");
    write_memory(allocated, sizeof allocated, row->allocated, precision);
    write_memory(at_peak, sizeof at_peak, row->at_peak, precision);
    write_memory(left, sizeof left, row->left, precision);
    return snprintf(text, size, " %12s %10" PRId64 " %12s %12s", allocated, row->allocations,
                    at_peak, left);
}

/* Appends to a row what stands behind its occurrences. The length in all. */
static int write_columns(char *text, int length, const struct line_report_row *row, int precision)
{
    size_t size = LINE_REPORT_PREFIX_SIZE;
    char peak[400];

    if (row->has_peak) {
        write_memory(peak, sizeof peak, row->peak, precision);
        length +=
            snprintf(text + length, size - (size_t)length, " %12s", row->measured ? peak : "");
    }
    if (row->has_time && row->measured)
        length += snprintf(text + length, size - (size_t)length, " %12.1f %12.1f %8.1f", row->time,
                           row->per_hit, row->percent);
    else if (row->has_time)
        length += snprintf(text + length, size - (size_t)length, " %12s %12s %8s", "", "", "");
    if (row->has_heap)
        length += write_heap(text + length, size - (size_t)length, row, precision);
    return length + snprintf(text + length, size - (size_t)length, "   ");
}

static int write_row(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                     int precision, double growth)
{
    char mem[400], increment[400];
    const char *start = "", *end = "";
    int length;

    write_memory(mem, sizeof mem, row->mem, precision);
    write_memory(increment, sizeof increment, row->increment, precision);
    if (growth >= 0 && row->increment != 0 && fabs(row->increment) * 100 >= growth) {
        start = row->increment > 0 ? COLOUR_MORE : COLOUR_LESS;
        end = COLOUR_END;
    }
    length = snprintf(text, LINE_REPORT_PREFIX_SIZE, "%6" PRId64 " %12s %s%12s%s  %10" PRId64,
                      row->line, mem, start, increment, end, row->hits);
    return write_columns(text, length, row, precision);
}

static int write_unmeasured_row(char text[LINE_REPORT_PREFIX_SIZE],
                                const struct line_report_row *row, int precision)
{
    int length = snprintf(text, LINE_REPORT_PREFIX_SIZE, "%6" PRId64 " %12s %12s  %10s", row->line,
                          "", "", "");

    return write_columns(text, length, row, precision);
}

int line_report_prefix(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                       int precision, double growth)
{
    locale_t plain, users;
    int length;

    if (precision < 0 || precision > LINE_REPORT_MAX_PRECISION)
        return -EINVAL;
    /* Without memory `plain` is 0, and uselocale() changes nothing. */
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    users = uselocale(plain); /* the program may have set a decimal comma */
    length = row->measured ? write_row(text, row, precision, growth)
                           : write_unmeasured_row(text, row, precision);
    uselocale(users);
    if (plain != (locale_t)0)
        freelocale(plain);
    return length;
}
