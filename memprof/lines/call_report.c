#include "memprof/lines/call_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "memprof/lines/report_text.h"

const char call_report_header[] =
    "         Calls          Own   Cumulative         Peak   Function";

static int write_calls(char *text, size_t size, const struct call_report_row *row)
{
    char calls[48];

    if (row->calls == row->primitive)
        snprintf(calls, sizeof calls, "%" PRIu64, row->calls);
    else
        snprintf(calls, sizeof calls, "%" PRIu64 "/%" PRIu64, row->calls, row->primitive);
    return snprintf(text, size, "%14s", calls);
}

/* " 1.234 MiB", at least twelve wide behind its blank; painted where `heat` says so. */
static int write_memory(char *text, size_t size, double mebibytes, int precision, const char *heat)
{
    char number[400];

    snprintf(number, sizeof number, "%.*f MiB", precision, mebibytes);
    return snprintf(text, size, " %s%12s%s", heat, number, heat[0] == '\0' ? "" : report_cool);
}

static int write_row(char text[CALL_REPORT_ROW_SIZE], const struct call_report_row *row,
                     int precision, double all)
{
    size_t size = CALL_REPORT_ROW_SIZE;
    int length = write_calls(text, size, row);

    length += write_memory(text + length, size - (size_t)length, row->own, precision,
                           report_heat(row->own, all));
    length += write_memory(text + length, size - (size_t)length, row->cumulative, precision, "");
    if (row->has_peak)
        length += write_memory(text + length, size - (size_t)length, row->peak, precision, "");
    else
        length += snprintf(text + length, size - (size_t)length, " %12s", "");
    return length + snprintf(text + length, size - (size_t)length, "   ");
}

int call_report_prefix(char text[CALL_REPORT_ROW_SIZE], const struct call_report_row *row,
                       int precision, double all)
{
    struct report_locale locale;
    int length;

    if (precision < 0 || precision > CALL_REPORT_MAX_PRECISION)
        return -EINVAL;
    report_locale_begin(&locale);
    length = write_row(text, row, precision, all);
    report_locale_end(&locale);
    return length;
}
