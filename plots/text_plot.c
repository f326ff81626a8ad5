#include "plots/text_plot.h"
int text_plot_write(FILE *out, const struct chart *chart, const struct text_plot_style *style)
{
    (void)out;
    (void)chart;
    (void)style;
    return -38;
}
