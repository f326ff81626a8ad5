/* Calls and blocks of a layout. Functions that return int return 0 or -ENOMEM. */
#ifndef PLOTS_LAYOUT_SPANS_H
#define PLOTS_LAYOUT_SPANS_H

#include "plots/layout.h"

/* How much room the lanes take below zero; sets the height of a row. */
double layout_lanes_height(struct layout *layout);

/* Bars with their texts, as lanes or as flames; brackets on the curve where calls are few. */
int layout_spans(struct layout *layout);

/* Bands of blocks behind everything, and their names at the top. */
int layout_bands(struct layout *layout);

#endif
