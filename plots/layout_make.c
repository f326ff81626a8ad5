#include "plots/layout_make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plots/chart_subtitle.h"
#include "plots/layout_labels.h"
#include "plots/layout_spans.h"
#include "plots/layout_text.h"

#define MARGIN_LEFT 78
#define MARGIN_RIGHT 26
#define MARGIN_TOP 64
#define MARGIN_BOTTOM 56

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

/* A copy with the facts that fit whole, and "…" for the others: half a number is another number. */
static char *facts_within(const struct layout *layout, const char *facts)
{
    static const char rest[] = CHART_TEXT_DOT "…";
    double room = layout->area.right - layout->area.left, size = layout_font_size(LAYOUT_SMALL);
    size_t length = strlen(facts);
    char *text = malloc(length + sizeof rest), *kept = text;

    if (text == NULL)
        return NULL;
    memcpy(text, facts, length + 1);
    if (plot_text_width(text, size, 0) <= room)
        return text;
    for (char *dot = text; (dot = strstr(dot, CHART_TEXT_DOT)) != NULL; dot++) {
        memcpy(dot, rest, sizeof rest);
        if (plot_text_width(text, size, 0) <= room)
            kept = dot;
        memcpy(text, facts, length + 1);
    }
    if (kept > text)
        memcpy(kept, rest, sizeof rest);
    return text;
}

static int add_facts(struct layout *layout, const char *facts)
{
    char *text = facts_within(layout, facts);
    int error = text == NULL ? -ENOMEM : add_heading(layout, text, 44, LAYOUT_SMALL, LAYOUT_GREY);

    free(text);
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
    if (error == 0 && chart->subtitle != NULL)
        error = add_facts(layout, chart->subtitle);
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
    /* The order decides: what is placed later makes way for the texts that are there. */
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
    for (size_t i = 0; i < layout->n_texts; i++)
        free(layout->texts[i].text);
    free(layout->texts);
    free(layout->bars);
    free(layout->bands);
    free(layout->brackets);
    free(layout->legend_entries);
    memset(layout, 0, sizeof *layout);
}
