/* Text in pages, and its only escaping; strings of their data: json_text.h. */
#ifndef PLOTS_PAGE_WORDS_H
#define PLOTS_PAGE_WORDS_H

#include <stdio.h>

/* Text of HTML. */
void page_put_html(FILE *out, const char *text);

/*
 * The page to where its style begins. The policy names where scripts and styles come from, which is
 * page_text.h: nothing else in the page can run, whatever it holds.
 */
void page_put_head(FILE *out, const char *title, const char *script_source,
                   const char *style_source);

#endif
