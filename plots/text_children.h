/* Below the curve of a terminal's chart: the curves of children, each as high as its own peak. */
#ifndef PLOTS_TEXT_CHILDREN_H
#define PLOTS_TEXT_CHILDREN_H

#include "plots/text_drawing.h"

/*
 * How many rows all of them take: one for a child whose legend has room beside its curve, two for
 * another, one for those that have no curve. -ENOMEM.
 */
int text_children_rows(const struct text_drawing *drawing);

/* Writes the largest that fit in so many rows; the last row tells of the others. 0 or -ENOMEM. */
int text_children_write(const struct text_drawing *drawing, int rows);

#endif
