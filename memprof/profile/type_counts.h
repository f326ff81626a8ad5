/*
 * How many objects of which type the processes of a run hold: the lines TYPE, the first and the
 * last of each, and nothing between them.
 */
#ifndef MEMPROF_TYPE_COUNTS_H
#define MEMPROF_TYPE_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/dat_record.h"

/* More types of all processes together are counted and not kept. */
#define TYPE_COUNTS_MOST 2000

struct type_count {
    int64_t pid;
    char *name; /* owned; as it was recorded, NUL bytes as blanks */
    int64_t objects, bytes;
    int64_t first_objects, first_bytes; /* in the first census; 0 where that did not tell it: it had
                                           less than all that were told */
    double first_moment, moment;        /* of the censuses that told it first and last */
};

struct type_counts {
    struct type_count *at; /* owned; in the order in which they came */
    size_t count, capacity;
    size_t next;     /* where the next one is looked for first */
    uint64_t passed; /* lines that were not kept */
};

/* Takes a record of kind DAT_TYPE. 0 or -ENOMEM. */
int type_counts_add(struct type_counts *types, const struct dat_record *record);

/* When types of this process were recorded last. */
double type_counts_moment(const struct type_counts *types, int64_t pid);

/* Frees all. */
void type_counts_release(struct type_counts *types);

#endif
