#include "mprof/terminal_style.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_style_is_utf8(void)
{
    /* LC_CTYPE alone: numbers keep their decimal point. */
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

enum text_colours terminal_style_colours(int fd)
{
    const char *term = getenv("TERM"), *colour = getenv("COLORTERM"), *no = getenv("NO_COLOR");

    if ((no != NULL && *no != '\0') || !isatty(fd) || term == NULL || strcmp(term, "dumb") == 0)
        return TEXT_PLAIN;
    if (colour != NULL && (strcmp(colour, "truecolor") == 0 || strcmp(colour, "24bit") == 0))
        return TEXT_TRUE;
    return strstr(term, "256color") != NULL ? TEXT_256 : TEXT_16;
}
