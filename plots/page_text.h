/* Constant parts of pages, made of page.js, page.css and the like when the project is
 * built. */
#ifndef PLOTS_PAGE_TEXT_H
#define PLOTS_PAGE_TEXT_H

#include <stddef.h>

extern const char page_script[], page_style[];
extern const size_t page_script_size, page_style_size;

/* Where they come from as the security policy says it: their SHA-256. */
extern const char page_script_source[], page_style_source[];

/* Likewise of the page of stacks. */
extern const char flame_script[], flame_style[];
extern const size_t flame_script_size, flame_style_size;
extern const char flame_script_source[], flame_style_source[];

/* What the page has besides while its chart is still recorded. */
extern const char live_script[], live_style[];
extern const size_t live_script_size, live_style_size;
extern const char live_script_source[], live_style_source[];

#endif
