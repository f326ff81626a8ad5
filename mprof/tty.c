#include "mprof/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "mprof/fatal_signals.h"

/*
 * The alternate screen, no cursor, nothing that runs over the last column. Before all is given back
 * CAN ends a sequence that was cut off in the middle, and an update that was begun.
 */
#define TAKE "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
#define GIVE_BACK "\x18\x1b[?2026l\x1b[m\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l"

#define MOST_SIZE 1000

/* For handlers of signals, which are given nothing else. */
static struct {
    volatile sig_atomic_t taken, resized, stopping, continued;
    int keys; /* where they are read: the terminal itself */
    bool opened;
    struct termios before;
} tty = {.keys = -1};

/* Keys of more than one byte: ESC [ or ESC O, numbers, a letter. */
static struct {
    int state; /* 0, 1 behind ESC, 2 behind ESC [ */
    int number;
} escape;

bool tty_can_draw(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) == 1 && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* ---- taking it and giving it back ---- */

/* One that controls no session has nobody else. */
static bool is_in_foreground(void)
{
    pid_t group = tcgetpgrp(tty.keys);

    return group < 0 || group == getpgrp();
}

static void put(const char *text)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

/* Safe in handlers of signals. In the background the terminal is somebody else's already. */
static void give_back(void)
{
    if (!tty.taken)
        return;
    tty.taken = 0;
    if (!is_in_foreground())
        return;
    put(GIVE_BACK);
    (void)tcsetattr(tty.keys, TCSANOW, &tty.before);
}

/* Ctrl-C, Ctrl-\ and Ctrl-Z stay signals; Ctrl-S is a key, so that no write waits for ever. */
static void take(void)
{
    struct termios raw = tty.before;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tty.taken = 1;
    (void)tcsetattr(tty.keys, TCSANOW, &raw);
    put(TAKE);
}

static void on_news(int number)
{
    if (number == SIGWINCH)
        tty.resized = 1;
    else if (number == SIGTSTP)
        tty.stopping = 1;
    else
        tty.continued = 1;
}

/* What is ignored stays so. */
static void hear(int number)
{
    struct sigaction action = {.sa_handler = on_news}, before;

    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(number, &action, NULL);
}

int tty_enter(void)
{
    tty.opened = isatty(STDIN_FILENO) != 1;
    tty.keys = tty.opened ? open("/dev/tty", O_RDWR | O_CLOEXEC) : STDIN_FILENO;
    if (tty.keys < 0)
        return -errno;
    if (tcgetattr(tty.keys, &tty.before) != 0)
        return -errno;
    fatal_signals_before(give_back);
    hear(SIGWINCH);
    hear(SIGTSTP);
    hear(SIGCONT);
    take();
    return 0;
}

void tty_leave(void)
{
    give_back();
    if (tty.opened && tty.keys >= 0)
        close(tty.keys);
    tty.opened = false;
}

/* Ctrl-Z: the shell gets its terminal as it was. */
static void stop(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL}, before;

    give_back();
    (void)sigaction(SIGTSTP, &action, &before);
    (void)raise(SIGTSTP);
    (void)sigaction(SIGTSTP, &before, NULL);
}

/* What signals have brought. */
static bool has_news(void)
{
    bool changed = tty.resized || tty.continued || tty.stopping;

    if (tty.stopping)
        stop();
    if (tty.stopping || tty.continued)
        take();
    tty.resized = tty.stopping = tty.continued = 0;
    return changed;
}

/* ---- keys ---- */

static int key_of(int byte)
{
    switch (byte) {
    case 'A':
        return TTY_UP;
    case 'B':
        return TTY_DOWN;
    case 'H':
        return TTY_HOME;
    case 'F':
        return TTY_END;
    case '~':
        return escape.number == 5   ? TTY_PAGE_UP
               : escape.number == 6 ? TTY_PAGE_DOWN
               : escape.number == 1 ? TTY_HOME
               : escape.number == 4 ? TTY_END
                                    : TTY_NOTHING;
    default:
        return TTY_NOTHING;
    }
}

/* The key that a byte completes. */
static int take_byte(unsigned char byte)
{
    if (byte == 0x1b) {
        escape.state = 1;
        escape.number = 0;
        return TTY_NOTHING;
    }
    if (escape.state == 1) {
        escape.state = byte == '[' || byte == 'O' ? 2 : 0;
        return TTY_NOTHING;
    }
    if (escape.state == 2 && byte >= '0' && byte <= ';') {
        escape.number = byte > '9' ? 0 : (escape.number * 10 + byte - '0') % 1000;
        return TTY_NOTHING;
    }
    if (escape.state == 2) {
        escape.state = 0;
        return key_of(byte);
    }
    return byte == 0x0c ? TTY_REDRAW : byte;
}

/* The next key; TTY_NOTHING where none is complete. */
static int read_key(void)
{
    unsigned char byte;
    ssize_t count;
    int key = TTY_NOTHING;

    while (key == TTY_NOTHING && (count = read(tty.keys, &byte, 1)) != 0) {
        if (count < 0)
            return errno == EINTR ? TTY_NOTHING : TTY_GONE;
        key = take_byte(byte);
    }
    return key;
}

static int milliseconds_until(int64_t deadline_ns)
{
    int64_t left = deadline_ns - clock_monotonic_ns();

    return left <= 0 ? 0 : left > INT64_C(60000000000) ? 60000 : (int)((left + 999999) / 1000000);
}

int tty_wait(int64_t deadline_ns)
{
    struct pollfd polled = {.fd = tty.keys, .events = POLLIN};
    int key = TTY_NOTHING;

    while (key == TTY_NOTHING) {
        int left = milliseconds_until(deadline_ns), ready;

        if (has_news())
            return TTY_REDRAW;
        ready = poll(&polled, 1, left);
        if (ready > 0 && (polled.revents & (POLLHUP | POLLNVAL | POLLERR)) != 0)
            return TTY_GONE;
        if (ready > 0)
            key = read_key();
        else if (ready == 0)
            return has_news() ? TTY_REDRAW : TTY_NOTHING;
    }
    return key;
}

/* ---- the rest ---- */

void tty_size(int *columns, int *rows)
{
    struct winsize window;

    *columns = 80;
    *rows = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0)
        return;
    *columns = window.ws_col < MOST_SIZE ? window.ws_col : MOST_SIZE;
    *rows = window.ws_row < MOST_SIZE ? window.ws_row : MOST_SIZE;
}

void tty_write(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t count = write(STDOUT_FILENO, text, length);

        if (count < 0)
            return;
        text += count;
        length -= (size_t)count;
    }
}
