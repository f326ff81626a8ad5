#include "plots/screen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "plots/plot_text.h"

/* Synchronized update: a terminal that knows it shows all of a frame at once, others pass it over.
 */
#define BEGIN_UPDATE "\x1b[?2026h"
#define END_UPDATE "\x1b[?2026l"

static const struct screen_cell blank = {" ", 1, SCREEN_PLAIN};

void screen_init(struct screen *screen, int utf8, enum text_colours colours)
{
    *screen = (struct screen){.utf8 = utf8, .colours = colours};
}

void screen_release(struct screen *screen)
{
    free(screen->cells);
    free(screen->shown);
    screen->cells = screen->shown = NULL;
    screen->columns = screen->rows = 0;
}

int screen_resize(struct screen *screen, int columns, int rows)
{
    size_t count = (size_t)columns * (size_t)rows;

    screen_release(screen);
    screen->cells = calloc(count + 1, sizeof *screen->cells);
    screen->shown = calloc(count + 1, sizeof *screen->shown);
    if (screen->cells == NULL || screen->shown == NULL) {
        screen_release(screen);
        return -ENOMEM;
    }
    screen->columns = columns;
    screen->rows = rows;
    screen_clear(screen);
    return 0;
}

static size_t cell_count(const struct screen *screen)
{
    return (size_t)screen->columns * (size_t)screen->rows;
}

/* No cell of a frame is empty: each differs from this. */
void screen_forget(struct screen *screen)
{
    if (screen->shown != NULL)
        memset(screen->shown, 0, cell_count(screen) * sizeof *screen->shown);
}

void screen_clear(struct screen *screen)
{
    for (size_t i = 0; i < cell_count(screen); i++)
        screen->cells[i] = blank;
}

/* ---- drawing ---- */

static struct screen_cell *cell_at(const struct screen *screen, int row, int column)
{
    return &screen->cells[(size_t)row * (size_t)screen->columns + (size_t)column];
}

/* What of a character the terminal can show. */
static const char *shown_text(const struct screen *screen, const char *from, size_t length,
                              char text[8])
{
    if (!screen->utf8 && length > 1)
        return strncmp(from, "…", length) == 0 ? "~" : "?";
    memcpy(text, from, length);
    text[length] = '\0';
    return text;
}

/* A mark that combines goes to the character before it. */
static void combine(struct screen_cell *before, const char *mark)
{
    size_t used = strnlen(before->text, sizeof before->text);

    if (used + strlen(mark) <= sizeof before->text)
        memcpy(before->text + used, mark, strlen(mark));
}

/* Half a wide character cannot stand: what is left of one that is written over is a blank. */
static void set_cell(struct screen *screen, int row, int column, const char *text, int columns,
                     enum screen_style style)
{
    struct screen_cell *cell = cell_at(screen, row, column);

    if (cell->columns == 0 && column > 0)
        cell[-1] = blank;
    if (column + columns < screen->columns && cell[columns].columns == 0)
        cell[columns] = blank;
    *cell = (struct screen_cell){.columns = (uint8_t)columns, .style = (uint8_t)style};
    memcpy(cell->text, text, strlen(text));
    if (columns == 2)
        cell[1] = (struct screen_cell){.style = (uint8_t)style};
}

/* Puts what fits into the columns before `end`; returns the column behind it. */
static int put_within(struct screen *screen, int row, int column, int end, enum screen_style style,
                      const char *text)
{
    int begin = column;

    while (*text != '\0') {
        char room[8];
        const char *from = text, *one;
        int columns;

        plot_text_next(&text);
        one = shown_text(screen, from, (size_t)(text - from), room);
        columns = plot_text_columns(one);
        if (column + columns > end)
            break;
        if (columns > 0)
            set_cell(screen, row, column, one, columns, style);
        else if (column > begin)
            combine(cell_at(screen, row, column - 1), one);
        column += columns;
    }
    return column;
}

static int columns_of(const struct screen *screen, const char *text)
{
    int columns = 0;

    if (screen->utf8)
        return plot_text_columns(text);
    for (; *text != '\0'; columns++)
        plot_text_next(&text);
    return columns;
}

int screen_put(struct screen *screen, int row, int column, int width, enum screen_style style,
               const char *text)
{
    int end = column + width;

    if (end > screen->columns)
        end = screen->columns;
    if (row < 0 || row >= screen->rows || column < 0 || column >= end)
        return column;
    if (columns_of(screen, text) <= end - column)
        return put_within(screen, row, column, end, style, text);
    column = put_within(screen, row, column, end - 1, style, text);
    return put_within(screen, row, column, end, style, "…");
}

void screen_put_right(struct screen *screen, int row, int column, int width,
                      enum screen_style style, const char *text)
{
    int spare = width - columns_of(screen, text);

    if (spare > 0) {
        column += spare;
        width -= spare;
    }
    screen_put(screen, row, column, width, style, text);
}

/* ---- writing ---- */

/* Where the terminal's cursor is, and how it writes; row -1: not known. */
struct pen {
    struct text_canvas canvas;
    int row, column;
    int style;
};

static void take_style(struct pen *pen, int style)
{
    static const uint32_t colours[SCREEN_STYLES] = {
        [SCREEN_CURVE] = 0x3a8bd2,
        [SCREEN_PEAK] = 0xd64a5e,
        [SCREEN_LIMIT] = 0xb8860b,
    };

    if (pen->style == style)
        return;
    if (pen->style != SCREEN_PLAIN)
        text_canvas_plain(&pen->canvas);
    if (style == SCREEN_BOLD)
        text_canvas_bold(&pen->canvas);
    else if (style == SCREEN_FAINT)
        text_canvas_faint(&pen->canvas);
    else if (style != SCREEN_PLAIN)
        text_canvas_colour(&pen->canvas, colours[style]);
    pen->style = style;
}

/* Terminals agree on how wide these are: ASCII, lines, blocks, braille. */
static bool has_sure_width(const struct screen_cell *cell)
{
    unsigned char first = (unsigned char)cell->text[0], second = (unsigned char)cell->text[1];

    return first < 0x80 || (first == 0xE2 && (second >= 0x94 && second <= 0xA3));
}

static void write_cell(struct pen *pen, int row, int column, const struct screen_cell *cell)
{
    if (pen->row != row || pen->column != column)
        fprintf(pen->canvas.out, "\x1b[%d;%dH", row + 1, column + 1);
    take_style(pen, cell->style);
    fwrite(cell->text, 1, strnlen(cell->text, sizeof cell->text), pen->canvas.out);
    pen->row = has_sure_width(cell) ? row : -1;
    pen->column = column + cell->columns;
}

static void write_row(struct screen *screen, struct pen *pen, int row)
{
    const struct screen_cell *now = cell_at(screen, row, 0);
    const struct screen_cell *before = screen->shown + (now - screen->cells);

    for (int column = 0; column < screen->columns; column++)
        if (now[column].columns > 0 && memcmp(&now[column], &before[column], sizeof *now) != 0)
            write_cell(pen, screen->top + row, column, &now[column]);
}

void screen_write(struct screen *screen, FILE *out)
{
    const struct text_plot_style style = {.utf8 = screen->utf8, .colours = screen->colours};
    size_t size = cell_count(screen) * sizeof *screen->cells;
    struct pen pen = {.canvas = {out, &style}, .row = -1};

    if (screen->cells == NULL || memcmp(screen->cells, screen->shown, size) == 0)
        return;
    fputs(BEGIN_UPDATE, out);
    for (int row = 0; row < screen->rows; row++)
        write_row(screen, &pen, row);
    take_style(&pen, SCREEN_PLAIN);
    fputs(END_UPDATE, out);
    memcpy(screen->shown, screen->cells, size);
}
