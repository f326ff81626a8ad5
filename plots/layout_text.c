#include "plots/layout_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double layout_font_size(enum layout_font font)
{
    /* 13, 10.5 and 9 points (gnuplot_script.c) at 96 pixels to the inch: four thirds of each. */
    switch (font) {
    case LAYOUT_TITLE:
        return 17.3;
    case LAYOUT_AXIS:
    case LAYOUT_PEAK:
        return 14.0;
    case LAYOUT_SMALL:
        break;
    }
    return 12.0;
}

double layout_x(const struct layout *layout, double time)
{
    const struct axis *axis = &layout->chart->time;

    return layout->area.left +
           (time - axis->low) / (axis->high - axis->low) * (layout->area.right - layout->area.left);
}

double layout_y(const struct layout *layout, double memory)
{
    return layout->zero - memory / layout->chart->memory.high * (layout->zero - layout->area.top);
}

struct layout_box layout_text_box(const struct layout_text *text)
{
    double size = layout_font_size(text->font);
    double width = plot_text_width(text->text, size, text->font == LAYOUT_TITLE);
    double left = text->anchor == LAYOUT_LEFT     ? text->x
                  : text->anchor == LAYOUT_CENTRE ? text->x - width / 2
                                                  : text->x - width;

    if (text->is_upright)
        return (struct layout_box){text->x - size / 2, text->y - width / 2, text->x + size / 2,
                                   text->y + width / 2};
    return (struct layout_box){left, text->y - size * 0.6, left + width, text->y + size * 0.6};
}

bool layout_is_taken(const struct layout *layout, const struct layout_box *box)
{
    for (size_t i = 0; i < layout->n_texts; i++) {
        struct layout_box other = layout_text_box(&layout->texts[i]);

        if (layout_overlap(box, &other))
            return 1;
    }
    return 0;
}

int layout_add_text(struct layout *layout, const struct layout_text *text)
{
    struct layout_text *texts = layout->texts;
    size_t count = layout->n_texts;

    if ((count & (count - 1)) == 0) { /* full: doubles at every power of two */
        texts = realloc(texts, (count == 0 ? 1 : 2 * count) * sizeof *texts);
        if (texts == NULL)
            return -ENOMEM;
        layout->texts = texts;
    }
    texts[count] = *text;
    texts[count].text = strdup(text->text);
    if (texts[count].text == NULL)
        return -ENOMEM;
    layout->n_texts++;
    return 0;
}
