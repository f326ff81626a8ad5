#include "mprof/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "mprof/error_line.h"
#include "mprof/fatal_signals.h"
#include "plots/plot_text.h"

#define FIRST_AFTER_NS INT64_C(500000000)
#define EVERY_NS INT64_C(250000000)

/* Fewer rows are the program's. */
#define LEAST_ROWS 5

#define TEXT_SIZE 256

/*
 * What the program prints scrolls above the last row (DECSTBM), as under apt: with a line that is
 * printed over and over every line of the program's would be mixed up. The cursor is back where it
 * was (DECSC, DECRC).
 */
#define KEEP_CURSOR                                                                                \
    "\x1b"                                                                                         \
    "7"
#define BACK_TO_CURSOR                                                                             \
    "\x1b"                                                                                         \
    "8"
/* A row down and up again: at the bottom all scrolls, elsewhere nothing happens. */
#define DOWN                                                                                       \
    "\x1b"                                                                                         \
    "D"
#define UP                                                                                         \
    "\x1b"                                                                                         \
    "M"
#define ALL_ROWS "\x1b[r"
/* From that row on, which is counted from 1. */
#define CLEAR_FROM "\x1b[%d;1H\x1b[J"

/* How the terminal is given back where a signal ends us; empty: it is. */
static struct {
    int fd;
    pid_t pid; /* children have no terminal to give back */
    volatile sig_atomic_t length;
    char text[64];
} last_will;

static void obey_last_will(void)
{
    if (last_will.length > 0 && last_will.pid == getpid() && tcgetpgrp(STDERR_FILENO) == getpgrp())
        (void)!write(last_will.fd, last_will.text, (size_t)last_will.length);
}

bool progress_is_wanted(const struct record_options *options)
{
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");

    return !options->quiet && isatty(STDERR_FILENO) == 1 && term != NULL && *term != '\0' &&
           strcmp(term, "dumb") != 0 && (options->top || plain == NULL || *plain == '\0');
}

void progress_add_signal(bool wanted, sigset_t *signals)
{
    if (wanted)
        sigaddset(signals, SIGTSTP);
}

void progress_init(struct progress *progress, const struct record_options *options, int64_t now_ns)
{
    *progress =
        (struct progress){.wanted = progress_is_wanted(options), .due_ns = now_ns + FIRST_AFTER_NS};
    if (!progress->wanted)
        return;
    terminal_out_open(&progress->out);
    last_will.pid = getpid();
    last_will.fd = progress->out.fd;
    fatal_signals_before(obey_last_will);
}

void progress_show_top(struct progress *progress, const char *path, const char *shown)
{
    if (progress->wanted)
        progress->panel = panel_open(path, shown);
    else
        error_line("mprof: --top: standard error is no terminal that can be drawn on");
}

/* How the terminal hands on what is typed; 0: nobody knows. */
static tcflag_t local_modes(void)
{
    struct termios state;

    return tcgetattr(STDERR_FILENO, &state) == 0 ? state.c_lflag : 0;
}

/* Whether the terminal shows what the program prints, line by line, and the program is ours. */
static bool is_ours(void)
{
    tcflag_t wanted = ICANON | ECHO;

    return tcgetpgrp(STDERR_FILENO) == getpgrp() && (local_modes() & wanted) == wanted;
}

/* Appends a part where it fits into what is left of the row. */
static void append(char text[TEXT_SIZE], int columns, const char *part)
{
    size_t used = strlen(text);

    if (used + strlen(part) < TEXT_SIZE &&
        plot_text_columns(text) + plot_text_columns(part) < columns)
        memcpy(text + used, part, strlen(part) + 1);
}

static void compose(const struct progress_facts *facts, int columns, char text[TEXT_SIZE])
{
    char number[PLOT_NUMBER_SIZE], part[TEXT_SIZE];

    *text = '\0';
    if (facts->elapsed_ns < INT64_C(60000000000))
        snprintf(part, sizeof part, "mprof: %.1f s", (double)facts->elapsed_ns / 1e9);
    else
        snprintf(part, sizeof part, "mprof: %lld:%02lld min",
                 (long long)(facts->elapsed_ns / 60000000000),
                 (long long)(facts->elapsed_ns / 1000000000 % 60));
    append(text, columns, part);
    plot_text_memory((double)facts->now_bytes / (1 << 20), number);
    snprintf(part, sizeof part, " · %s now", number);
    append(text, columns, part);
    plot_text_memory((double)facts->peak_bytes / (1 << 20), number);
    snprintf(part, sizeof part, " · peak %s", number);
    append(text, columns, part);
    snprintf(part, sizeof part, " · %zu process%s%s", facts->processes,
             facts->processes == 1 ? "" : "es",
             facts->processes > 1 && facts->one_measured ? ", one measured" : "");
    append(text, columns, part);
}

/*
 * Clears what is still ours in a window of so many rows. A lower bottom cuts rows off from below as
 * far as the cursor, which is the program's. A larger window has new rows at the bottom, or our own
 * there, with what had scrolled out at the top: all else may be what the program printed.
 */
static void clear_ours(FILE *out, const struct progress *progress, int rows)
{
    int grown = rows - progress->rows, begin = progress->rows - progress->height;

    if (grown > 0)
        begin = rows - (grown < progress->height ? grown : progress->height);
    if (begin < rows)
        fprintf(out, CLEAR_FROM, begin + 1);
}

static void give_back(FILE *out, const struct progress *progress, int rows)
{
    fputs(KEEP_CURSOR ALL_ROWS, out);
    /* A program that reads keys may show another screen, of which half is not ours to clear. */
    if (progress->height == 1 || (local_modes() & ICANON) != 0)
        clear_ours(out, progress, rows);
    fputs(BACK_TO_CURSOR, out);
}

/* Takes the last rows from the program: what stands there scrolls up. */
static void make_room(FILE *out, const struct progress *progress, int rows, int height)
{
    if (progress->rows > 0)
        give_back(out, progress, rows);
    for (int i = 0; i < height; i++)
        fputs(DOWN, out);
    for (int i = 0; i < height; i++)
        fputs(UP, out);
}

/* In the same words as give_back(), behind CAN: a sequence may be cut. */
static void make_last_will(int begin)
{
    last_will.length = snprintf(last_will.text, sizeof last_will.text,
                                "\x18" KEEP_CURSOR ALL_ROWS CLEAR_FROM BACK_TO_CURSOR, begin + 1);
}

static int height_of(const struct progress *progress, int rows)
{
    return progress->panel != NULL && rows >= PANEL_LEAST_ROWS ? panel_height(rows) : 1;
}

static void put(FILE *out, struct progress *progress, const struct progress_facts *facts,
                const struct winsize *window)
{
    int height = height_of(progress, window->ws_row);
    bool is_new = progress->rows != window->ws_row || progress->height != height;
    char text[TEXT_SIZE];

    if (is_new)
        make_room(out, progress, window->ws_row, height);
    fprintf(out, KEEP_CURSOR "\x1b[1;%dr", window->ws_row - height);
    if (height > 1) {
        panel_put(progress->panel, out, window->ws_col, window->ws_row, is_new);
    } else {
        fprintf(out, CLEAR_FROM, window->ws_row);
        compose(facts, window->ws_col, text);
        fputs(text, out);
    }
    fputs(BACK_TO_CURSOR, out);
    progress->rows = window->ws_row;
    progress->height = height;
    make_last_will(window->ws_row - height);
}

void progress_show(struct progress *progress, const struct progress_facts *facts, int64_t now_ns)
{
    bool is_free = terminal_out_is_free(&progress->out);
    struct winsize window;
    char *text = NULL;
    size_t length;
    FILE *out;

    progress->due_ns = now_ns + EVERY_NS;
    if (!is_ours() || ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 ||
        window.ws_row < LEAST_ROWS) {
        progress_hide(progress);
        return;
    }
    if (!is_free || (out = open_memstream(&text, &length)) == NULL)
        return;
    put(out, progress, facts, &window);
    if (fclose(out) == 0)
        terminal_out_write(&progress->out, text, length);
    free(text);
}

void progress_hide(struct progress *progress)
{
    struct winsize window = {.ws_row = (unsigned short)progress->rows};
    char *text = NULL;
    size_t length;
    FILE *out;

    if (progress->rows == 0)
        return;
    /* To write from the background may stop us. */
    out = tcgetpgrp(STDERR_FILENO) == getpgrp() ? open_memstream(&text, &length) : NULL;
    if (out != NULL) {
        (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &window);
        give_back(out, progress, window.ws_row);
        if (fclose(out) == 0)
            terminal_out_write(&progress->out, text, length);
    }
    free(text);
    progress->rows = 0;
    last_will.length = 0;
}

void progress_release(struct progress *progress)
{
    progress_hide(progress);
    panel_close(progress->panel);
    progress->panel = NULL;
    if (progress->wanted)
        terminal_out_close(&progress->out);
}
