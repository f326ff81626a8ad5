/* The list of a frame: processes and open calls, types, or help. */
#ifndef PLOTS_TOP_LISTS_H
#define PLOTS_TOP_LISTS_H

#include "plots/top_facts.h"
#include "plots/screen.h"

/* Draws it into so many rows from `top` on. 0 or -ENOMEM. */
int top_lists_draw(struct top_facts *view, struct screen *screen, int top, int rows);

/* What its rows are sorted by: "RSS". */
const char *top_lists_sort_name(const struct top_facts *view);

#endif
