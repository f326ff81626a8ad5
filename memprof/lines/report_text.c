#include "memprof/lines/report_text.h"

#include <math.h>
#include <stddef.h>

#if __has_include(<xlocale.h>) /* where macOS declares uselocale() */
#include <xlocale.h>
#endif

const char report_cool[] = "\033[0m";

/* A change of at least 1/parts of all. The first is not for an `all` of 0, which says nothing. */
static const struct {
    int parts;
    const char *more, *less;
} heats[] = {
    {2, "\033[97;41m", "\033[30;42m"},
    {10, "\033[1;31m", "\033[1;32m"},
    {100, "\033[31m", "\033[32m"},
};

const char *report_heat(double change, double all)
{
    size_t least = sizeof heats / sizeof heats[0] - 1;

    if (all < 0 || change == 0)
        return "";
    for (size_t i = all > 0 ? 0 : least; i <= least; i++)
        if (fabs(change) * heats[i].parts >= all)
            return change > 0 ? heats[i].more : heats[i].less;
    return "";
}

void report_locale_begin(struct report_locale *locale)
{
    /* Without memory `plain` is 0, and uselocale() changes nothing. */
    locale->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale->users = uselocale(locale->plain);
}

void report_locale_end(const struct report_locale *locale)
{
    uselocale(locale->users);
    if (locale->plain != (locale_t)0)
        freelocale(locale->plain);
}
