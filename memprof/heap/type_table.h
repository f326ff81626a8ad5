/*
 * How many objects of each type there are, and their bytes: a row for each type, found by its
 * address. Memory is past malloc().
 */
#ifndef MEMPROF_TYPE_TABLE_H
#define MEMPROF_TYPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the caller knows of a type, found out once. The table does not read it. */
struct type_shape {
    uint32_t fixed_bytes; /* of every object, with what stands before it */
    uint32_t item_bytes;
    uint32_t part_bytes;   /* of each of its other blocks; 0: it has one at most */
    uint32_t beside_bytes; /* of what each has beside it, always the same */
    uint32_t header_bytes; /* of fixed_bytes: what stands before the object */
    uint8_t size;          /* how it is found out */
    uint8_t children;      /* and how what it refers to */
    bool is_traversed;     /* it has a function for that, too */
    bool may_be_static;    /* which is to be asked of each object */
    bool has_values;       /* its attributes are a block of their own, or stand behind it */
    bool is_partial;       /* what it has beside its own block is not known */
    const void *size_of;   /* a function of the type's own */
};

struct type_row {
    const void *type;
    uint64_t n_objects, bytes;
    struct type_shape shape;
};

struct type_table {
    struct type_row *rows; /* owned, as are the slots */
    uint32_t *slots;       /* numbers of rows from 1 on, by address; 0: none */
    uint32_t n, n_slots;   /* the latter a power of two */
};

/* 0 or -ENOMEM. Release it with type_table_release(). */
int type_table_init(struct type_table *table);
void type_table_release(struct type_table *table);

/* A new row of a type that has none, all zero but for the type; NULL without memory. Rows that
 * were found before are somewhere else now. */
struct type_row *type_table_add(struct type_table *table, const void *type);

/* Of a type's 16 bytes; types are far apart. */
static inline uint32_t type_table_hash(const void *type)
{
    return (uint32_t)((uintptr_t)type >> 4) * UINT32_C(0x9E3779B1);
}

/* The row of a type, or NULL. */
static inline struct type_row *type_table_find(const struct type_table *table, const void *type)
{
    uint32_t mask = table->n_slots - 1, at = type_table_hash(type) >> 8 & mask;

    for (; table->slots[at] != 0; at = (at + 1) & mask)
        if (table->rows[table->slots[at] - 1].type == type)
            return &table->rows[table->slots[at] - 1];
    return NULL;
}

#endif
