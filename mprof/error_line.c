#include "mprof/error_line.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

/* Room for two paths of the greatest length; what is kept of a longer line. */
#define LONGEST 9000
#define KEPT_BEGIN 600
#define KEPT_END 300

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Takes the middle out, between characters. */
static void shorten(char *text)
{
    static const char dots[] = " ... ";
    size_t length = strlen(text), begin = KEPT_BEGIN, end = length - KEPT_END;

    if (length <= LONGEST)
        return;
    while (begin > 0 && is_inside_character(text[begin]))
        begin--;
    while (end < length && is_inside_character(text[end]))
        end++;
    memcpy(text + begin, dots, sizeof dots - 1);
    memmove(text + begin + sizeof dots - 1, text + end, length - end + 1);
}

char *error_line_visible(const char *text)
{
    char *copy = strdup(text), *visible = NULL;

    if (copy != NULL) {
        shorten(copy);
        visible = plot_text_visible(copy, strlen(copy));
    }
    free(copy);
    return visible;
}

void error_line_print(const char *before, const char *text, const char *after)
{
    char *visible = error_line_visible(text);

    printf("%s%s%s", before, visible != NULL ? visible : "", after);
    free(visible);
}

void error_line(const char *format, ...)
{
    char *text, *visible = NULL;
    va_list list;
    int length;

    va_start(list, format);
    length = vasprintf(&text, format, list);
    va_end(list);
    if (length >= 0) {
        visible = error_line_visible(text);
        free(text);
    }
    fprintf(stderr, "%s\n", visible != NULL ? visible : "mprof: no memory");
    free(visible);
}
