/* The data of a page's list of types. */
#ifndef PLOTS_PAGE_TYPES_H
#define PLOTS_PAGE_TYPES_H

#include <stdio.h>

#include "plots/chart.h"

/* A member of the page's object, with a comma before it; nothing where no types were told. */
void page_put_types(FILE *out, const struct chart *chart, int decimals);

#endif
