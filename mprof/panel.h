/* What `mprof top` shows, in the lower half of the terminal of a recording (--top). */
#ifndef MPROF_PANEL_H
#define MPROF_PANEL_H

#include <stdbool.h>
#include <stdio.h>

struct panel;

/* In fewer rows there is no room for it beside what the program prints. */
#define PANEL_LEAST_ROWS 16

/* How many of the terminal's rows it takes, at the bottom. */
static inline int panel_height(int rows)
{
    return rows / 2;
}

/* Of the profile that is being written, under the name that is shown; NULL after a line where it
 * cannot be read back. */
struct panel *panel_open(const char *path, const char *shown);

/* Frees it; NULL is none. */
void panel_close(struct panel *panel);

/* Writes what has changed in its rows; all of them where the terminal `is_new`, and now and then.
 */
void panel_put(struct panel *panel, FILE *out, int columns, int rows, bool is_new);

#endif
