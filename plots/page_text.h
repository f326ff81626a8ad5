/* Constant parts of pages, made of page.js, page.css, flame.js and flame.css when the project is
 * built. */
#ifndef PLOTS_PAGE_TEXT_H
#define PLOTS_PAGE_TEXT_H

#include <stddef.h>

extern const char page_script[], page_style[];
extern const size_t page_script_size, page_style_size;

/* Their SHA-256 as the security policy wants them: base64. */
extern const char page_script_hash[], page_style_hash[];

/* Likewise of the page of stacks. */
extern const char flame_script[], flame_style[];
extern const size_t flame_script_size, flame_style_size;
extern const char flame_script_hash[], flame_style_hash[];

#endif
