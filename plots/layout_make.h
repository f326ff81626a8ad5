/* Lays a chart out. */
#ifndef PLOTS_LAYOUT_MAKE_H
#define PLOTS_LAYOUT_MAKE_H

#include "plots/layout.h"

/* The chart must outlive the layout. 0 or -ENOMEM; to be released in any case. */
int layout_make(struct layout *layout, const struct chart *chart, const struct plot_spec *spec);
void layout_release(struct layout *layout);

#endif
