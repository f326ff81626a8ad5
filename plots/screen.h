/*
 * A terminal's screen as cells: a frame is drawn into them, and only what differs from the frame
 * before is written. Columns and rows count from 0; what lies outside is cut.
 *
 * The order of calls: screen_init(), screen_resize(); for each frame screen_clear(), screen_put()
 * …, screen_write(); screen_forget() where somebody else may have written; screen_release().
 */
#ifndef PLOTS_SCREEN_H
#define PLOTS_SCREEN_H

#include <stdint.h>
#include <stdio.h>

#include "plots/text_canvas.h"

enum screen_style {
    SCREEN_PLAIN,
    SCREEN_BOLD,
    SCREEN_FAINT,
    SCREEN_CURVE,
    SCREEN_PEAK,
    SCREEN_LIMIT,
    SCREEN_STYLES
};

/* A character and what combines with it fit; more marks are left out. */
#define SCREEN_CELL_TEXT 10

struct screen_cell {
    char text[SCREEN_CELL_TEXT]; /* UTF-8, ended by NUL where it is shorter */
    uint8_t columns;             /* 1, 2 of a wide character, 0 of its right half */
    uint8_t style;
};

struct screen {
    int utf8; /* 0: ASCII alone */
    enum text_colours colours;
    int columns, rows;
    int top;                           /* rows of the terminal above it */
    struct screen_cell *cells, *shown; /* owned: this frame, and what the terminal has */
};

void screen_init(struct screen *screen, int utf8, enum text_colours colours);
void screen_release(struct screen *screen);

/* Another size: all is written again. 0 or -ENOMEM. */
int screen_resize(struct screen *screen, int columns, int rows);

/* The terminal shows something else now: all is written again. */
void screen_forget(struct screen *screen);

/* Begins a frame: blanks. */
void screen_clear(struct screen *screen);

/*
 * Puts visible UTF-8 text (plot_text.h) from a column on, at most `width` columns; what is longer
 * ends with "…". Returns the column behind it.
 */
int screen_put(struct screen *screen, int row, int column, int width, enum screen_style style,
               const char *text);

/* The same, at the right end of `width` columns. */
void screen_put_right(struct screen *screen, int row, int column, int width,
                      enum screen_style style, const char *text);

/* Writes what has changed, as one update; nothing where nothing has. */
void screen_write(struct screen *screen, FILE *out);

#endif
