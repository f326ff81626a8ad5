/* Strings and numbers of JSON, which stand in any other text as well: no locale, nothing to act on.
 */
#ifndef PLOTS_JSON_TEXT_H
#define PLOTS_JSON_TEXT_H

#include <stdio.h>

/* A string of UTF-8 with its quotes. Inside a script element nothing in it can end that element. */
void json_text_string(FILE *out, const char *text);

/* A finite number with so many decimals (9 at most), without zeros at the end. */
void json_text_number(FILE *out, double number, int decimals);

#endif
