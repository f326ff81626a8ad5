#include "mprof/top_view.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "mprof/error_line.h"
#include "mprof/terminal_style.h"
#include "mprof/tty.h"
#include "plots/top_frame.h"
#include "plots/screen.h"

/* How often there is something new to see, and until when. */
struct pace {
    int64_t pause_ns, end_ns;
};

static struct pace pace_of(double interval, double timeout)
{
    return (struct pace){(int64_t)(interval * 1e9 + 0.5),
                         timeout > 0 ? clock_monotonic_ns() + (int64_t)(timeout * 1e9) : INT64_MAX};
}

/* The next moment, of which the last is the end; false: that has come. */
static bool next_due(const struct pace *pace, int64_t *due_ns)
{
    int64_t left_ns = pace->end_ns - *due_ns;

    *due_ns += left_ns < pace->pause_ns ? left_ns : pace->pause_ns;
    return left_ns > 0;
}

/* 0 or -errno, said. */
static int failed(int error)
{
    if (error != 0)
        error_line("mprof top: %s", strerror(-error));
    return error != 0;
}

/* ---- lines ---- */

/* The source is stepped first. The time of day stands in front, for who reads a log. */
static int print_line(struct top_source *source, FILE *out)
{
    struct top_facts view = {0};
    time_t now = time(NULL);
    char clock[20] = "";
    struct tm parts;
    int error = top_source_show(source, &view);

    if (error != 0)
        return error;
    if (localtime_r(&now, &parts) != NULL)
        strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    fputs(clock, out);
    top_frame_line(&view, out);
    return fflush(out) == 0 ? 0 : -errno;
}

static int run_lines(struct top_source *source, struct pace pace)
{
    int64_t due_ns = clock_monotonic_ns();
    bool goes_on = true;
    int error = 0;

    while (goes_on) {
        error = top_source_step(source, false);
        if (error == 0)
            error = print_line(source, stdout);
        goes_on = error == 0 && !top_source_is_over(source) && next_due(&pace, &due_ns);
        while (goes_on && clock_sleep_until_ns(due_ns) == -EINTR)
            continue;
    }
    return failed(error);
}

/* ---- frames ---- */

static void toggle(struct top_facts *view, enum top_list list)
{
    view->list = view->list == list ? TOP_PROCESSES : list;
    view->scroll = view->sort = 0;
}

static void obey(struct top_facts *view, int key, int page)
{
    switch (key) {
    case TTY_UP:
    case 'k':
        view->scroll--;
        break;
    case TTY_DOWN:
    case 'j':
        view->scroll++;
        break;
    case TTY_PAGE_UP:
        view->scroll -= page;
        break;
    case TTY_PAGE_DOWN:
    case ' ':
        view->scroll += page;
        break;
    case TTY_HOME:
        view->scroll = 0;
        break;
    case TTY_END:
        view->scroll = INT16_MAX;
        break;
    case 's':
        view->sort++;
        break;
    case 't':
        toggle(view, TOP_TYPES);
        break;
    case '?':
    case 'h':
        toggle(view, TOP_HELP);
        break;
    case 'p':
        view->is_paused = !view->is_paused;
        break;
    default:
        break;
    }
}

static int fit(struct screen *screen)
{
    int columns, rows;

    tty_size(&columns, &rows);
    if (columns != screen->columns || rows != screen->rows)
        return screen_resize(screen, columns, rows);
    screen_forget(screen);
    return 0;
}

static int draw(struct top_facts *view, struct screen *screen)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    int error = out == NULL ? -ENOMEM : top_frame_draw(view, screen);

    if (error == 0)
        screen_write(screen, out);
    if (out != NULL && fclose(out) != 0)
        error = -ENOMEM;
    if (error == 0)
        tty_write(text, length);
    free(text);
    return error;
}

/* Frames until somebody quits. 0, -errno, or -ENOTTY: the terminal is gone. */
static int run_frames(struct top_source *source, struct screen *screen, struct pace pace)
{
    struct top_facts view = {.has_keys = true};
    int64_t due_ns = clock_monotonic_ns();
    int error = fit(screen), key = TTY_NOTHING;
    bool goes_on = true;

    while (error == 0 && key != 'q' && key != 'Q' && goes_on) {
        if (key == TTY_NOTHING) {
            error = top_source_step(source, view.is_paused);
            due_ns = clock_monotonic_ns();
            goes_on = next_due(&pace, &due_ns);
        } else if (key == TTY_REDRAW) {
            error = fit(screen);
        } else if (key == TTY_GONE) {
            return -ENOTTY;
        }
        obey(&view, key, screen->rows / 2);
        if (error == 0)
            error = top_source_show(source, &view);
        if (error == 0)
            error = draw(&view, screen);
        if (error == 0 && goes_on)
            key = tty_wait(due_ns);
    }
    return error;
}

/* What stood there last stays in the terminal, as a line. */
static int leave_last_line(struct top_source *source)
{
    printf("%s\n", source->title != NULL ? source->title : "");
    return print_line(source, stdout);
}

static int run_screen(struct top_source *source, struct pace pace)
{
    struct screen screen;
    int error;

    screen_init(&screen, terminal_style_is_utf8(), terminal_style_colours(STDOUT_FILENO));
    error = run_frames(source, &screen, pace);
    screen_release(&screen);
    tty_leave();
    if (error == -ENOTTY)
        return 1; /* there is nobody to tell */
    if (error == 0)
        error = leave_last_line(source);
    return failed(error);
}

int top_view_run(struct top_source *source, double interval, double timeout)
{
    if (tty_can_draw() && tty_enter() == 0)
        return run_screen(source, pace_of(isnan(interval) ? TOP_FRAME_S : interval, timeout));
    return run_lines(source, pace_of(isnan(interval) ? TOP_LINE_S : interval, timeout));
}
