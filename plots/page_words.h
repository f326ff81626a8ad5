/* Text in pages, and the only escaping of it. */
#ifndef PLOTS_PAGE_WORDS_H
#define PLOTS_PAGE_WORDS_H

#include <stdio.h>

/* Text of HTML. */
void page_put_html(FILE *out, const char *text);

/* A string of JSON, also where that stands inside a script element: nothing in it can end that
 * element. */
void page_put_string(FILE *out, const char *text);

/*
 * The page to where its style begins. The policy names the hashes of our script and style, in
 * base64: nothing else in the page can run, whatever it holds.
 */
void page_put_head(FILE *out, const char *title, const char *script_hash, const char *style_hash);

#endif
