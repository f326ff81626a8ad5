#include "check_outputs.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

/* The words of our scripts. Whatever else stood outside of quotes would come from a name. */
static const char *const words[] = {
    "across",    "arrow",     "at",         "back",       "background",   "bands",
    "bars",      "bmargin",   "border",     "boxxyerror", "brackets",     "by",
    "center",    "close",     "dashlength", "dense",      "down",         "dt",
    "dumb",      "encoding",  "epscairo",   "fc",         "filledcurves", "first",
    "font",      "fontscale", "from",       "front",      "fs",           "graph",
    "grid",      "in",        "jpeg",       "key",        "label",        "limit",
    "layers",    "lc",        "left",       "lines",      "linewidth",    "lmargin",
    "lt",        "lw",        "mouse",      "noborder",   "noenhanced",   "noextend",
    "nohead",    "nomirror",  "notitle",    "object",     "off",          "others",
    "pause",     "pdfcairo",  "peak",       "plot",       "pngcairo",     "points",
    "ps",        "pt",        "qt",         "rectangle",  "rgb",          "right",
    "rmargin",   "rotate",    "scale",      "screen",     "series",       "set",
    "sixelgd",   "size",      "solid",      "spikes",     "svg",          "terminal",
    "textcolor", "tics",      "tmargin",    "to",         "transparent",  "trend",
    "using",     "utf8",      "variable",   "with",       "wxt",          "x11",
    "xrange",    "xtics",     "y",          "yrange",     "ytics",        "EOD",
};

static bool is_word(const char *at, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && memcmp(words[i], at, length) == 0)
            return 1;
    return 0;
}

/* A number: 0x… of a colour, or a decimal one. Its end, or `at`. */
static const char *skip_number(const char *at)
{
    const char *from = at;

    if (at[0] == '0' && at[1] == 'x')
        return at + 2 + strspn(at + 2, "0123456789abcdef");
    at += strspn(at, "0123456789.");
    if (at > from && *at == 'e' && (at[1] == '+' || at[1] == '-'))
        at += 2 + strspn(at + 2, "0123456789");
    return at;
}

/* Behind a literal that holds nothing gnuplot acts upon. */
static const char *skip_literal(const char *at)
{
    char quote = *at++;

    for (; *at != quote; at++) {
        check(*at != '\0' && *at != '\n' && *at != '`');
        if (*at == '\\') {
            check(quote == '"' && at[1] == '0' && isdigit((unsigned char)at[2]) &&
                  isdigit((unsigned char)at[3]) && isdigit((unsigned char)at[4]));
            at += 4;
        } else if (quote == '"') {
            check(strchr("$@%{}\'|!&*?^~#", *at) == NULL);
        }
    }
    return at + 1;
}

void check_gnuplot(const char *script, size_t length)
{
    const char *at = strchr(script, '\n'); /* behind the remark */

    check(fuzz_is_clean(script, length, "") && strlen(script) == length && at != NULL);
    while (*at != '\0') {
        const char *from = at;

        if (*at == '"' || *at == '\'') {
            at = skip_literal(at);
        } else if (isalpha((unsigned char)*at)) {
            size_t size = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

            size += is_word(at, size) ? 0 : strspn(at + size, "0123456789");
            check(is_word(at, size));
            at += size;
            at += strspn(at, "0123456789"); /* of $series12 */
        } else if ((at = skip_number(at)) == from) {
            check(strchr(" \n,:;()[]<$=-+\\", *at) != NULL);
            at++;
        }
    }
}
