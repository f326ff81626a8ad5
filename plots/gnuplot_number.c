#include "plots/gnuplot_number.h"

#include <string.h>

void gnuplot_number(FILE *out, double number)
{
    char text[40], *comma;

    snprintf(text, sizeof text, "%.7g", number);
    /* mprof sets no LC_NUMERIC; a program that uses this code may. */
    comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    fputs(text, out);
}

void gnuplot_pair(FILE *out, double x, char sign, double y)
{
    gnuplot_number(out, x);
    putc(sign, out);
    gnuplot_number(out, y);
}

double gnuplot_time_at(const struct layout *layout, double x)
{
    const struct axis *axis = &layout->chart->time;

    return axis->low + (x - layout->area.left) / (layout->area.right - layout->area.left) *
                           (axis->high - axis->low);
}

double gnuplot_memory_at(const struct layout *layout, double y)
{
    return (layout->zero - y) / (layout->zero - layout->area.top) * layout->chart->memory.high;
}
