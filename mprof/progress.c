#include "mprof/progress.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "plots/plot_text.h"

#define FIRST_AFTER_NS INT64_C(500000000)
#define EVERY_NS INT64_C(250000000)

/* Fewer rows are the program's. */
#define LEAST_ROWS 5

#define TEXT_SIZE 256

/*
 * What the program prints scrolls above the last row (DECSTBM), as under apt: with a line that is
 * printed over and over every line of the program's would be mixed up. The cursor is back where it
 * was (DECSC, DECRC). A row further down than there is means the last one.
 */
#define ROOM_BELOW                                                                                 \
    "\x1b"                                                                                         \
    "D\x1b"                                                                                        \
    "M"
#define KEEP_CURSOR                                                                                \
    "\x1b"                                                                                         \
    "7"
#define BACK_TO_CURSOR                                                                             \
    "\x1b"                                                                                         \
    "8"
#define LAST_ROW "\x1b[9999;1H\x1b[2K"
#define ALL_ROWS "\x1b[r"

bool progress_is_wanted(bool quiet)
{
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");

    return !quiet && isatty(STDERR_FILENO) == 1 && term != NULL && *term != '\0' &&
           strcmp(term, "dumb") != 0 && (plain == NULL || *plain == '\0');
}

void progress_add_signal(bool wanted, sigset_t *signals)
{
    if (wanted)
        sigaddset(signals, SIGTSTP);
}

void progress_init(struct progress *progress, bool wanted, int64_t now_ns)
{
    *progress = (struct progress){.wanted = wanted, .due_ns = now_ns + FIRST_AFTER_NS};
}

/* Whether the terminal shows what the program prints, line by line, and the program is ours. */
static bool is_ours(void)
{
    struct termios state;

    return tcgetpgrp(STDERR_FILENO) == getpgrp() && tcgetattr(STDERR_FILENO, &state) == 0 &&
           (state.c_lflag & ICANON) != 0 && (state.c_lflag & ECHO) != 0;
}

/* Somebody who stopped the terminal (Ctrl-S) is not to stop the samples. */
static bool takes_text(void)
{
    struct pollfd polled = {STDERR_FILENO, POLLOUT, 0};

    return poll(&polled, 1, 0) == 1 && (polled.revents & POLLOUT) != 0;
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

/* In one piece: what the program prints meanwhile stands before or behind it. */
static void write_out(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

void progress_show(struct progress *progress, const struct progress_facts *facts, int64_t now_ns)
{
    char text[TEXT_SIZE], all[TEXT_SIZE + 80];
    struct winsize window;

    progress->due_ns = now_ns + EVERY_NS;
    if (!is_ours() || ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 ||
        window.ws_row < LEAST_ROWS) {
        progress_hide(progress);
        return;
    }
    if (!takes_text())
        return;
    compose(facts, window.ws_col, text);
    snprintf(all, sizeof all, "%s" KEEP_CURSOR "\x1b[1;%dr" LAST_ROW "%s" BACK_TO_CURSOR,
             progress->rows == window.ws_row ? "" : ROOM_BELOW, window.ws_row - 1, text);
    write_out(all);
    progress->rows = window.ws_row;
}

void progress_hide(struct progress *progress)
{
    if (progress->rows == 0)
        return;
    progress->rows = 0;
    /* To write from the background may stop us. */
    if (tcgetpgrp(STDERR_FILENO) == getpgrp())
        write_out(KEEP_CURSOR ALL_ROWS LAST_ROW BACK_TO_CURSOR);
}
