/*
 * The terminal while it belongs to mprof: the alternate screen, keys one by one, no cursor. It is
 * given back on every way out: tty_leave(), any signal that ends mprof, a crash, a stop (Ctrl-Z);
 * SIGKILL alone leaves it as it is.
 *
 * There is one, on standard output. The order of calls: tty_enter(), then tty_wait(), tty_size()
 * and tty_write(), then tty_leave().
 */
#ifndef MPROF_TTY_H
#define MPROF_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happened; letters are themselves. */
enum tty_key {
    TTY_NOTHING = 0, /* the moment came */
    TTY_UP = 256,
    TTY_DOWN,
    TTY_PAGE_UP,
    TTY_PAGE_DOWN,
    TTY_HOME,
    TTY_END,
    TTY_REDRAW, /* another size, or back from a stop: all is to be written again */
    TTY_GONE,   /* there is no terminal any more */
};

/* Whether standard output is a terminal that can be drawn on. */
bool tty_can_draw(void);

/* Takes the terminal; keys come from it whatever standard input is. 0 or -errno. */
int tty_enter(void);
void tty_leave(void);

/* Waits for a key until clock_monotonic_ns() reaches the deadline. */
int tty_wait(int64_t deadline_ns);

/* 80 by 24 where the terminal does not know. */
void tty_size(int *columns, int *rows);

/* Writes all of it, unless a signal comes. */
void tty_write(const char *text, size_t length);

#endif
