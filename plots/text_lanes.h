/* Below the curve of a terminal's chart: a row of bars for each level of calls. */
#ifndef PLOTS_TEXT_LANES_H
#define PLOTS_TEXT_LANES_H

#include "plots/text_drawing.h"

/* Writes the first `rows` rows; the last says how many levels more there are. 0 or -ENOMEM. */
int text_lanes_write(const struct text_drawing *drawing, int rows);

#endif
