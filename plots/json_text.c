#include "plots/json_text.h"

#include <string.h>

void json_text_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        /* JSON needs escapes for controls, '"' and '\\'; the script element needs one for '<'. */
        if (byte < ' ' || strchr("\"\\<>&'", byte) != NULL)
            fprintf(out, "\\u%04x", byte);
        else
            putc(byte, out);
    }
    putc('"', out);
}

void json_text_number(FILE *out, double number, int decimals)
{
    /* The largest double has 309 digits before the point, and at most nine come after it. */
    char text[352], *comma, *end;

    snprintf(text, sizeof text, "%.*f", decimals, number);
    comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    if (strchr(text, '.') != NULL) {
        end = text + strlen(text) - 1;
        while (*end == '0')
            *end-- = '\0';
        if (*end == '.')
            *end = '\0';
    }
    fputs(text, out);
}
