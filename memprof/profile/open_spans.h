/*
 * The marked calls and blocks of a profile that have begun and not ended: BEGIN without its FUNC.
 * Needs memory for those that are open at a time alone, whatever the length of the file.
 */
#ifndef MEMPROF_OPEN_SPANS_H
#define MEMPROF_OPEN_SPANS_H

#include <stddef.h>

struct open_span {
    char *name; /* owned; as it was recorded, NUL bytes as blanks */
    double begin;
    int level; /* -1: not recorded */
};

struct open_spans {
    struct open_span *spans; /* owned; the latest first, of one thread the innermost */
    size_t count;
};

/* Reads from where the file stands to its end. 0 or -errno; to be released in any case. */
int open_spans_read(int fd, struct open_spans *spans);

/* Frees all. */
void open_spans_release(struct open_spans *spans);

#endif
