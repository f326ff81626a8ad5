#include "memprof/lines/line_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "memprof/lines/report_text.h"

void line_report_header(char text[LINE_REPORT_HEADER_SIZE], int peak, int time, int heap)
{
    snprintf(text, LINE_REPORT_HEADER_SIZE,
             "Line #    Mem usage    Increment  Occurrences%s%s%s   %s",
             peak ? "         Peak" : "", time ? "         Time      Per Hit   % Time" : "",
             heap ? "    Allocated     Allocs      At peak         Left" : "", "Line Contents");
}

void line_report_ranking_header(char text[LINE_REPORT_HEADER_SIZE], int peak)
{
    snprintf(text, LINE_REPORT_HEADER_SIZE, "   Mem usage    Increment  Occurrences%s   Line",
             peak ? "         Peak" : "");
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
    size_t size = LINE_REPORT_PREFIX_SIZE;
    char mem[400], increment[400];
    const char *heat = report_heat(row->increment, growth);
    int length = row->is_ranked ? 0 : snprintf(text, size, "%6" PRId64 " ", row->line);

    write_memory(mem, sizeof mem, row->mem, precision);
    write_memory(increment, sizeof increment, row->increment, precision);
    length += snprintf(text + length, size - (size_t)length, "%12s %s%12s%s  %10" PRId64, mem, heat,
                       increment, heat[0] == '\0' ? "" : report_cool, row->hits);
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
    struct report_locale locale;
    int length;

    if (precision < 0 || precision > LINE_REPORT_MAX_PRECISION)
        return -EINVAL;
    report_locale_begin(&locale);
    length = row->measured ? write_row(text, row, precision, growth)
                           : write_unmeasured_row(text, row, precision);
    report_locale_end(&locale);
    return length;
}

int line_report_peak(char text[LINE_REPORT_PREFIX_SIZE], const char *whose, double mebibytes,
                     double seconds, int precision)
{
    struct report_locale locale;
    int length;

    if (precision < 0 || precision > LINE_REPORT_MAX_PRECISION)
        return -EINVAL;
    report_locale_begin(&locale);
    length =
        snprintf(text, LINE_REPORT_PREFIX_SIZE, "Peak of %.100s: %.*f MiB, %.3f s after the start",
                 whose, precision, mebibytes, seconds);
    report_locale_end(&locale);
    return length;
}
