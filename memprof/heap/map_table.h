/*
 * Which node each anonymous mapping has: ranges of addresses, which may be given back in parts, or
 * several at once. A few thousand at most, as a rule: they stand in an array, the highest first,
 * for the system gives out ever lower ones.
 *
 * What is left of a mapping of which a part is gone are pieces with a number in common: the block
 * has gone with the last of them.
 *
 * Memory is our own. One user at a time.
 */
#ifndef MEMPROF_MAP_TABLE_H
#define MEMPROF_MAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole pages, of which the mapping did not ask for the last `slack` bytes. */
struct map_piece {
    uintptr_t start, end;
    uint32_t node;
    uint32_t slack;
    uint32_t mapping; /* 0: it is a whole one */
};

/* All zero is an empty one. */
struct map_table {
    struct map_piece *pieces; /* owned */
    size_t n, capacity;
    uint32_t n_parted; /* mappings that had a number */
};

void map_table_clear(struct map_table *table);

static inline size_t map_piece_bytes(const struct map_piece *piece)
{
    return piece->end - piece->start - piece->slack;
}

/* The piece that begins there, or NULL; until the next change. */
const struct map_piece *map_table_at(const struct map_table *table, uintptr_t start);

/* Pages that no other piece has. False without memory. */
bool map_table_add(struct map_table *table, const struct map_piece *piece);

/*
 * Takes out what lies from start to end of one mapping, if there is any: the lowest. *is_last: no
 * other piece of it is left. Where a mapping would be parted in two without memory for both all
 * above start is taken.
 */
bool map_table_take(struct map_table *table, uintptr_t start, uintptr_t end,
                    struct map_piece *taken, bool *is_last);

/* Bytes of the table that are resident, at most. */
size_t map_table_bytes(const struct map_table *table);

#endif
