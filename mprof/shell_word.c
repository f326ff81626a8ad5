#include "mprof/shell_word.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

static bool is_plain(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || strchr("._-/+,@%:", byte) != NULL;
}

static bool all_are_plain(const char *name)
{
    for (; *name != '\0'; name++)
        if (!is_plain(*name))
            return false;
    return true;
}

/* Whether a terminal shows the name as it is. */
static bool can_be_seen(const char *name)
{
    char *visible = plot_text_visible(name, strlen(name));
    bool same = visible != NULL && strcmp(visible, name) == 0;

    free(visible);
    return same;
}

static void write_in_quotes(FILE *out, const char *name)
{
    putc('\'', out);
    for (; *name != '\0'; name++)
        if (*name == '\'')
            fputs("'\\''", out);
        else
            putc(*name, out);
    putc('\'', out);
}

/* Octal: of \x1b the shells differ in how many digits they take. */
static void write_with_escapes(FILE *out, const char *name)
{
    fputs("$'", out);
    for (; *name != '\0'; name++)
        if (is_plain(*name) || *name == ' ')
            putc(*name, out);
        else
            fprintf(out, "\\%03o", (unsigned)(unsigned char)*name);
    putc('\'', out);
}

char *shell_word(const char *name)
{
    char *word = NULL;
    size_t size;
    FILE *out = open_memstream(&word, &size);

    if (out == NULL)
        return NULL;
    if (*name == '-')
        fputs("./", out);
    if (*name != '\0' && all_are_plain(name))
        fputs(name, out);
    else if (can_be_seen(name))
        write_in_quotes(out, name);
    else
        write_with_escapes(out, name);
    if (fclose(out) == 0)
        return word;
    free(word);
    return NULL;
}
