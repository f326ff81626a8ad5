/*
 * How many objects of each type were born at each place, and their bytes: a row for each pair,
 * found by it. Memory is past malloc().
 */
#ifndef MEMPROF_BIRTH_TABLE_H
#define MEMPROF_BIRTH_TABLE_H

#include <stdint.h>

struct birth_row {
    const void *type; /* not read */
    uint64_t place;   /* the caller's */
    uint64_t n_objects, bytes;
};

struct birth_table {
    struct birth_row *rows; /* owned; n_objects 0: none */
    uint32_t n, n_rows;     /* that are used; a power of two */
};

/* 0 or -ENOMEM. Release it with birth_table_release(). */
int birth_table_init(struct birth_table *table);
void birth_table_release(struct birth_table *table);

/* 0 or -ENOMEM: it is not counted then. */
int birth_table_add(struct birth_table *table, const void *type, uint64_t place, uint64_t bytes);

#endif
