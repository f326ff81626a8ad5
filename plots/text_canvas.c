#include "plots/text_canvas.h"

#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

#define ELLIPSIS "…"

/* Writes one character of scrubbed text. */
static void put_character(struct text_canvas *canvas, const char *from, const char *to)
{
    /* A terminal without UTF-8 is given ASCII alone. */
    if (canvas->style->utf8 || to == from + 1)
        fwrite(from, 1, (size_t)(to - from), canvas->out);
    else
        putc(strncmp(from, "·", strlen("·")) == 0 ? '-' : '?', canvas->out);
}

static int columns_of(const char *from, const char *to)
{
    char one[8] = "";

    memcpy(one, from, (size_t)(to - from));
    return plot_text_columns(one);
}

/* Writes what fits; returns how many columns that took. */
static int put_within(struct text_canvas *canvas, const char *text, int width)
{
    int used = 0;

    while (*text != '\0') {
        const char *from = text;
        int columns;

        plot_text_next(&text);
        columns = canvas->style->utf8 ? columns_of(from, text) : 1;
        if (used + columns > width)
            break;
        put_character(canvas, from, text);
        used += columns;
    }
    return used;
}

void text_canvas_put(struct text_canvas *canvas, const char *text)
{
    put_within(canvas, text, 1 << 20);
}

void text_canvas_spaces(struct text_canvas *canvas, int count)
{
    fprintf(canvas->out, "%*s", count > 0 ? count : 0, "");
}

void text_canvas_right(struct text_canvas *canvas, const char *text, int width)
{
    text_canvas_spaces(canvas, width - plot_text_columns(text));
    put_within(canvas, text, width);
}

void text_canvas_fitted(struct text_canvas *canvas, const char *text, int width,
                        const char *filling)
{
    int used = plot_text_columns(text) <= width ? width : width - 1;

    used = put_within(canvas, text, used);
    if (plot_text_columns(text) > width && used < width && width > 1) {
        text_canvas_put(canvas, canvas->style->utf8 ? ELLIPSIS : "~");
        used++;
    }
    for (; used < width; used++)
        text_canvas_put(canvas, filling);
}

void text_canvas_put_line(struct text_canvas *canvas, const char *text)
{
    int fits = plot_text_columns(text) <= canvas->style->columns;

    put_within(canvas, text, canvas->style->columns - !fits);
    if (!fits)
        text_canvas_put(canvas, canvas->style->utf8 ? ELLIPSIS : "~");
    text_canvas_plain(canvas);
    text_canvas_end_line(canvas);
}

void text_canvas_end_line(struct text_canvas *canvas)
{
    putc('\n', canvas->out);
}

/* ---- colours ---- */

static int part(uint32_t colour, int shift)
{
    return (int)(colour >> shift & 0xFF);
}

static int difference(uint32_t a, uint32_t b)
{
    return abs(part(a, 16) - part(b, 16)) + abs(part(a, 8) - part(b, 8)) +
           abs(part(a, 0) - part(b, 0));
}

/* The nearest of the first seven colours and their bright kin, as most terminals show them. */
static int nearest_of_16(uint32_t colour)
{
    static const uint32_t shown[16] = {
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x1e6fd9, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
        0x7f7f7f, 0xff5f5f, 0x5fff5f, 0xffff5f, 0x5f9fff, 0xff8fff, 0x5fffff, 0xffffff,
    };
    int best = 4;

    for (int i = 1; i < 15; i++)
        if (i != 7 && i != 8 && difference(colour, shown[i]) < difference(colour, shown[best]))
            best = i;
    return best;
}

static void set_colour(struct text_canvas *canvas, uint32_t colour, int ground)
{
    int number = nearest_of_16(colour);

    switch (canvas->style->colours) {
    case TEXT_PLAIN:
        break;
    case TEXT_16:
        fprintf(canvas->out, "\033[%dm", (ground ? 40 : 30) + (number < 8 ? number : 52 + number));
        break;
    case TEXT_256: /* a cube of six shades of each */
        fprintf(canvas->out, "\033[%d;5;%dm", ground ? 48 : 38,
                16 + 36 * ((part(colour, 16) * 5 + 127) / 255) +
                    6 * ((part(colour, 8) * 5 + 127) / 255) + (part(colour, 0) * 5 + 127) / 255);
        break;
    case TEXT_TRUE:
        fprintf(canvas->out, "\033[%d;2;%d;%d;%dm", ground ? 48 : 38, part(colour, 16),
                part(colour, 8), part(colour, 0));
        break;
    }
}

void text_canvas_colour(struct text_canvas *canvas, uint32_t colour)
{
    set_colour(canvas, colour, 0);
}

void text_canvas_background(struct text_canvas *canvas, uint32_t colour)
{
    if (canvas->style->colours != TEXT_PLAIN)
        /* Black letters: the tints of bars are pale. */
        fputs("\033[30m", canvas->out);
    set_colour(canvas, colour, 1);
}

void text_canvas_bold(struct text_canvas *canvas)
{
    if (canvas->style->colours != TEXT_PLAIN)
        fputs("\033[1m", canvas->out);
}

void text_canvas_faint(struct text_canvas *canvas)
{
    if (canvas->style->colours != TEXT_PLAIN)
        fputs("\033[2m", canvas->out);
}

void text_canvas_plain(struct text_canvas *canvas)
{
    if (canvas->style->colours != TEXT_PLAIN)
        fputs("\033[0m", canvas->out);
}
