/* Texts of a layout: from the chart's units to pixels, and who covers what. */
#ifndef PLOTS_LAYOUT_TEXT_H
#define PLOTS_LAYOUT_TEXT_H

#include <stdbool.h>

#include "plots/layout.h"

#define LAYOUT_DARK 0x1a1a1a
#define LAYOUT_GREY 0x6b6b6b
#define LAYOUT_PEAK_COLOUR 0xb2182b
#define LAYOUT_TAG_COLOUR 0x7a5c00 /* of the names of bands */

/* From the chart's units to pixels. */
double layout_x(const struct layout *layout, double time);
double layout_y(const struct layout *layout, double memory);

/* Pixels of a font, and the box that a text covers. */
double layout_font_size(enum layout_font font);
struct layout_box layout_text_box(const struct layout_text *text);

/* Copies the text and adds it. 0 or -ENOMEM. */
int layout_add_text(struct layout *layout, const struct layout_text *text);

/* Whether a box lies over one of the texts so far. */
bool layout_is_taken(const struct layout *layout, const struct layout_box *box);

#endif
