/*
 * What mprof draws on the terminal of standard error while a program runs. It never waits: where
 * nobody reads the terminal (a stopped one, a window that hangs) samples go on.
 *
 * The order of calls: terminal_out_open(), terminal_out_write() where terminal_out_is_free(),
 * terminal_out_close().
 */
#ifndef MPROF_TERMINAL_OUT_H
#define MPROF_TERMINAL_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct terminal_out {
    int fd;        /* the terminal, opened once more: what the program writes waits as ever */
    char *rest;    /* what it has not taken yet */
    size_t length; /* bytes of it */
};

/* Where it cannot be opened once more (another user's) it is standard error, as long as that takes
 * some text. */
void terminal_out_open(struct terminal_out *out);

/* Hands on what is left, and tells whether it was taken. */
bool terminal_out_is_free(struct terminal_out *out);

/* Writes in one piece, so that what the program prints stands before or behind it. What the
 * terminal does not take is written later; without memory for it nothing is. */
void terminal_out_write(struct terminal_out *out, const char *text, size_t length);

/* Gives the terminal a second to take what is left. */
void terminal_out_close(struct terminal_out *out);

#endif
