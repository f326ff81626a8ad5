#include "plots/text_drawing.h"

#include <stdbool.h>
#include <stdlib.h>

#include "plots/number.h"

#define BLOCK_LEVELS 8

int text_drawing_column(const struct text_drawing *drawing, double time)
{
    const struct axis *axis = &drawing->chart->time;
    double place = (time - axis->low) / (axis->high - axis->low) * drawing->width;

    return (int)smaller(larger(place, 0), drawing->width - 1);
}

/* Lines between samples count, so that nothing is torn. */
double *text_drawing_heights(const struct text_drawing *drawing, const struct chart_series *series)
{
    double *heights = calloc((size_t)drawing->width, sizeof *heights);

    if (heights == NULL)
        return NULL;
    for (size_t i = 0; i < series->n_points; i++) {
        bool is_first = i == 0 || chart_series_is_lifted(series, i);
        const struct chart_point *to = &series->points[i], *from = is_first ? to : to - 1;
        int first = text_drawing_column(drawing, from->time);
        int last = text_drawing_column(drawing, to->time);

        for (int column = first; column <= last; column++) {
            double share = last == first ? 1 : (double)(column - first) / (last - first);
            double memory = from->memory + share * (to->memory - from->memory);

            heights[column] = larger(heights[column], memory);
        }
    }
    for (size_t i = 0; i < series->n_spikes; i++) {
        double *height = &heights[text_drawing_column(drawing, series->spikes[i].time)];

        *height = larger(*height, series->spikes[i].memory);
    }
    return heights;
}

int text_drawing_level(double memory, double most, int height, int row)
{
    double eighths = memory / most * height * BLOCK_LEVELS - row * BLOCK_LEVELS;

    return (int)smaller(larger(eighths + 0.5, 0), BLOCK_LEVELS);
}

const char *text_drawing_block(const struct text_drawing *drawing, int level)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {" ", " ", ".", ".", ":", ":", "|", "#", "#"};

    return drawing->canvas->style->utf8 ? blocks[level] : ascii[level];
}
