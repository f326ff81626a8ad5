#include "plots/layout_curve.h"

#include "plots/layout_text.h"
#include "plots/number.h"

/* How many pixel columns of a piece of line lie in the box; its first end is not right of its last.
 */
static double hidden_piece(struct chart_point from, struct chart_point to,
                           const struct layout *layout, const struct layout_box *box)
{
    double x0 = layout_x(layout, from.time), x1 = layout_x(layout, to.time);
    double y0 = layout_y(layout, from.memory), y1 = layout_y(layout, to.memory);
    double left = larger(x0, box->left), right = smaller(x1, box->right), slope;

    if (left > right)
        return 0;
    slope = x1 > x0 ? (y1 - y0) / (x1 - x0) : 0;
    /* Only what is above and below the box itself: a steep line may pass beside it. */
    if (x1 > x0) {
        y1 = y0 + slope * (right - x0);
        y0 += slope * (left - x0);
    }
    return larger(y0, y1) < box->top || smaller(y0, y1) > box->bottom ? 0 : 1 + right - left;
}

double layout_hidden_curve(const struct layout *layout, const struct layout_box *box)
{
    double hidden = 0;

    for (size_t i = 0; i < layout->chart->n_series; i++) {
        const struct chart_series *series = &layout->chart->series[i];

        for (size_t j = 1; j < series->n_points; j++)
            if (!chart_series_is_lifted(series, j))
                hidden += hidden_piece(series->points[j - 1], series->points[j], layout, box);
    }
    return hidden;
}
