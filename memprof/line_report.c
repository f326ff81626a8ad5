#include "memprof/line_report.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>

#if __has_include(<xlocale.h>) /* where macOS declares uselocale() */
#include <xlocale.h>
#endif

#define COLOUR_MORE "\033[31m"
#define COLOUR_LESS "\033[32m"
#define COLOUR_END "\033[0m"

const char line_report_header[] = "Line #    Mem usage    Increment  Occurrences   Line Contents";

/* "   1.234 MiB", the number at least precision + 4 wide. */
static void write_memory(char *text, size_t size, double mebibytes, int precision)
{
    snprintf(text, size, "%*.*f MiB", precision + 4, precision, mebibytes);
}

static int write_row(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                     int precision, int colour)
{
    char mem[400], increment[400];
    const char *start = "", *end = "";

    write_memory(mem, sizeof mem, row->mem, precision);
    write_memory(increment, sizeof increment, row->increment, precision);
    if (colour && row->increment != 0) {
        start = row->increment > 0 ? COLOUR_MORE : COLOUR_LESS;
        end = COLOUR_END;
    }
    return snprintf(text, LINE_REPORT_PREFIX_SIZE, "%6" PRId64 " %12s %s%12s%s  %10" PRId64 "   ",
                    row->line, mem, start, increment, end, row->hits);
}

int line_report_prefix(char text[LINE_REPORT_PREFIX_SIZE], const struct line_report_row *row,
                       int precision, int colour)
{
    locale_t plain, users;
    int length;

    if (precision < 0 || precision > LINE_REPORT_MAX_PRECISION)
        return -EINVAL;
    if (!row->measured)
        return snprintf(text, LINE_REPORT_PREFIX_SIZE, "%6" PRId64 " %12s %12s  %10s   ", row->line,
                        "", "", "");
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    users = uselocale(plain); /* the program may have set a decimal comma */
    length = write_row(text, row, precision, colour);
    uselocale(users);
    if (plain != (locale_t)0)
        freelocale(plain);
    return length;
}
