#include "memprof/lines/call_report.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>

#if __has_include(<xlocale.h>) /* where macOS declares uselocale() */
#include <xlocale.h>
#endif

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

/* " 1.234 MiB", at least twelve wide behind its blank. */
static int write_memory(char *text, size_t size, double mebibytes, int precision)
{
    char number[400];

    snprintf(number, sizeof number, "%.*f MiB", precision, mebibytes);
    return snprintf(text, size, " %12s", number);
}

static int write_row(char text[CALL_REPORT_ROW_SIZE], const struct call_report_row *row,
                     int precision)
{
    size_t size = CALL_REPORT_ROW_SIZE;
    int length = write_calls(text, size, row);

    length += write_memory(text + length, size - (size_t)length, row->own, precision);
    length += write_memory(text + length, size - (size_t)length, row->cumulative, precision);
    if (row->has_peak)
        length += write_memory(text + length, size - (size_t)length, row->peak, precision);
    else
        length += snprintf(text + length, size - (size_t)length, " %12s", "");
    return length + snprintf(text + length, size - (size_t)length, "   ");
}

int call_report_prefix(char text[CALL_REPORT_ROW_SIZE], const struct call_report_row *row,
                       int precision)
{
    locale_t plain, users;
    int length;

    if (precision < 0 || precision > CALL_REPORT_MAX_PRECISION)
        return -EINVAL;
    /* Without memory `plain` is 0, and uselocale() changes nothing. */
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    users = uselocale(plain); /* the program may have set a decimal comma */
    length = write_row(text, row, precision);
    uselocale(users);
    if (plain != (locale_t)0)
        freelocale(plain);
    return length;
}
