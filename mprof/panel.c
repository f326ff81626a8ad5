#include "mprof/panel.h"

#include <stdlib.h>
#include <unistd.h>

#include "mprof/terminal_style.h"
#include "mprof/top_source.h"
#include "plots/top_frame.h"
#include "plots/screen.h"

/* The program may have written over it, or cleared the terminal: every two seconds all is drawn. */
#define FRAMES_KEPT 8

struct panel {
    struct top_source source;
    struct top_facts view;
    struct screen screen;
    unsigned frames;
};

struct panel *panel_open(const char *path, const char *shown)
{
    struct panel *panel = calloc(1, sizeof *panel);

    if (panel == NULL || top_source_file(&panel->source, path) != 0) {
        free(panel);
        return NULL;
    }
    panel->source.file = shown;
    screen_init(&panel->screen, terminal_style_is_utf8(), terminal_style_colours(STDERR_FILENO));
    return panel;
}

void panel_close(struct panel *panel)
{
    if (panel == NULL)
        return;
    top_source_release(&panel->source);
    screen_release(&panel->screen);
    free(panel);
}

static int draw(struct panel *panel, int columns, int rows, bool is_new)
{
    struct screen *screen = &panel->screen;
    int height = panel_height(rows), error = 0;

    if (columns != screen->columns || height != screen->rows)
        error = screen_resize(screen, columns, height);
    else if (is_new || panel->frames % FRAMES_KEPT == 0)
        screen_forget(screen);
    screen->top = rows - height;
    panel->frames++;
    if (error == 0)
        error = top_source_step(&panel->source, false);
    if (error == 0)
        error = top_source_show(&panel->source, &panel->view);
    return error != 0 ? error : top_frame_draw(&panel->view, screen);
}

void panel_put(struct panel *panel, FILE *out, int columns, int rows, bool is_new)
{
    /* The program's colours come back with its cursor. */
    if (panel->screen.colours != TEXT_PLAIN)
        fputs("\x1b[m", out);
    if (draw(panel, columns, rows, is_new) == 0)
        screen_write(&panel->screen, out);
}
