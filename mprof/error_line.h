/* What mprof says when something is wrong: one line on stderr, whatever stands in the values. */
#ifndef MPROF_ERROR_LINE_H
#define MPROF_ERROR_LINE_H

/*
 * Prints one line; the format has no '\n'. Controls, line ends and the like in names and arguments
 * are shown as \x1b; of a very long line only both ends are shown.
 */
__attribute__((format(printf, 1, 2))) void error_line(const char *format, ...);

/* The text as error_line() shows it, for other places. To be freed. NULL: no memory. */
char *error_line_visible(const char *text);

/* The same, between `before` and `after`, on stdout. */
void error_line_print(const char *before, const char *text, const char *after);

/* A name that is empty as something that can be seen. */
static inline const char *error_line_name(const char *name)
{
    return *name == '\0' ? "''" : name;
}

#endif
