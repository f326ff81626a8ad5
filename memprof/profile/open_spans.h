/*
 * The marked calls and blocks of a profile that have begun and not ended: BEGIN without its FUNC.
 * Needs memory for those that are open at a time alone, whatever the length of the file.
 */
#ifndef MEMPROF_OPEN_SPANS_H
#define MEMPROF_OPEN_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/dat_record.h"

struct open_span {
    char *name;           /* owned; as it was recorded, NUL bytes as blanks */
    double begin, memory; /* when it began, and what the process held then */
    int level;            /* -1: not recorded */
};

struct open_spans {
    struct open_span *spans; /* owned; the latest first, of one thread the innermost */
    size_t count;
};

/* Those that are open so far, while records come; begins as 0. */
struct open_set {
    void *tree;
    struct open_activation *list; /* owned */
    size_t count;
    uint64_t changes; /* another number: others are open */
};

/* Takes a record, of any kind; a dat_visit. 0 or -ENOMEM. */
int open_set_visit(void *set, const struct dat_record *record);

/* Copies them, the latest first. 0 or -ENOMEM; to be released in any case. */
int open_set_list(const struct open_set *set, struct open_spans *spans);

/* Frees all. */
void open_set_release(struct open_set *set);

/* Reads from where the file stands to its end. 0 or -errno; to be released in any case. */
int open_spans_read(int fd, struct open_spans *spans);

/* Frees all. */
void open_spans_release(struct open_spans *spans);

#endif
