/* What a box would hide of the curves. */
#ifndef PLOTS_LAYOUT_CURVE_H
#define PLOTS_LAYOUT_CURVE_H

#include "plots/layout.h"

/* How many pixel columns of the curves go through the box. */
double layout_hidden_curve(const struct layout *layout, const struct layout_box *box);

#endif
