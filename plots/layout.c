#include "plots/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plots/layout_parts.h"

#define MARGIN_LEFT 78
#define MARGIN_RIGHT 26
#define MARGIN_TOP 64
#define MARGIN_BOTTOM 56

double layout_font_size(enum layout_font font)
{
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

int layout_is_taken(const struct layout *layout, const struct layout_box *box)
{
    for (size_t i = 0; i < layout->text_count; i++) {
        struct layout_box other = layout_text_box(&layout->texts[i]);

        if (layout_overlap(box, &other))
            return 1;
    }
    return 0;
}

int layout_add_text(struct layout *layout, const struct layout_text *text)
{
    struct layout_text *texts = layout->texts;
    size_t count = layout->text_count;

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
    layout->text_count++;
    return 0;
}

/* A text over the picture's whole width at most, clipped. */
static int add_heading(struct layout *layout, const char *text, double y, enum layout_font font,
                       uint32_t colour)
{
    char *fitted = plot_text_fit(text, layout_font_size(font), font == LAYOUT_TITLE,
                                 layout->area.right - layout->area.left);
    struct layout_text heading = {
        .text = fitted, .x = layout->area.left, .y = y, .font = font, .colour = colour};
    int error = fitted == NULL ? -ENOMEM : layout_add_text(layout, &heading);

    free(fitted);
    return error;
}

static int add_headings(struct layout *layout)
{
    const struct chart *chart = layout->chart;
    struct layout_text time = {.text = (char *)(uintptr_t)chart->time.title,
                               .x = (layout->area.left + layout->area.right) / 2,
                               .y = layout->height - 16,
                               .anchor = LAYOUT_CENTRE,
                               .font = LAYOUT_AXIS,
                               .colour = 0x4d4d4d};
    struct layout_text memory = time;
    int error;

    memory.text = (char *)(uintptr_t)chart->memory.title;
    memory.x = 20;
    memory.y = (layout->area.top + layout->zero) / 2;
    memory.is_upright = 1;
    error = add_heading(layout, chart->title, 22, LAYOUT_TITLE, LAYOUT_DARK);
    if (error == 0 && chart->facts != NULL)
        error = add_heading(layout, chart->facts, 44, LAYOUT_SMALL, LAYOUT_GREY);
    if (error == 0)
        error = layout_add_text(layout, &time);
    return error == 0 ? layout_add_text(layout, &memory) : error;
}

int layout_make(struct layout *layout, const struct chart *chart, const struct plot_spec *spec)
{
    int error;

    memset(layout, 0, sizeof *layout);
    layout->chart = chart;
    layout->width = spec->width;
    layout->height = spec->height;
    layout->area = (struct layout_box){MARGIN_LEFT, MARGIN_TOP, spec->width - MARGIN_RIGHT,
                                       spec->height - MARGIN_BOTTOM};
    layout->zero = layout->area.bottom - layout_lanes_height(layout);
    error = add_headings(layout);
    if (error == 0)
        error = layout_bands(layout);
    if (error == 0)
        error = layout_spans(layout);
    if (error == 0)
        error = layout_peaks(layout);
    return error == 0 ? layout_legend(layout) : error;
}

void layout_release(struct layout *layout)
{
    for (size_t i = 0; i < layout->text_count; i++)
        free(layout->texts[i].text);
    free(layout->texts);
    free(layout->bars);
    free(layout->bands);
    free(layout->brackets);
    free(layout->keys);
    memset(layout, 0, sizeof *layout);
}
