/* Peaks and the legend of a layout. Functions return 0 or -ENOMEM. */
#ifndef PLOTS_LAYOUT_LABELS_H
#define PLOTS_LAYOUT_LABELS_H

#include "plots/layout.h"

/* The peaks' texts, then the legend where it hides least. */
int layout_peaks(struct layout *layout);
int layout_legend(struct layout *layout);

#endif
