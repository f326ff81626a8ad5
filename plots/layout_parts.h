/* The parts that layout_make() puts together. Functions return 0 or -ENOMEM. */
#ifndef PLOTS_LAYOUT_PARTS_H
#define PLOTS_LAYOUT_PARTS_H

#include "plots/layout.h"

#define LAYOUT_DARK 0x1a1a1a
#define LAYOUT_GREY 0x6b6b6b
#define LAYOUT_PEAK_COLOUR 0xb2182b

/* Copies the text and adds it. */
int layout_add_text(struct layout *layout, const struct layout_text *text);

/* Whether a box lies over one of the texts so far. */
int layout_is_taken(const struct layout *layout, const struct layout_box *box);

/* How much room the lanes take below zero; sets the height of a row. */
double layout_lanes_height(struct layout *layout);

/* Bars with their texts, as lanes or as flames; brackets on the curve where calls are few. */
int layout_spans(struct layout *layout);

/* Bands of blocks behind everything, and their names at the top. */
int layout_bands(struct layout *layout);

/* The peaks' texts, then the legend where it hides least. */
int layout_peaks(struct layout *layout);
int layout_legend(struct layout *layout);

#endif
