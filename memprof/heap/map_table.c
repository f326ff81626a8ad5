#include "memprof/heap/map_table.h"

#include <string.h>

#include "memprof/machine/pages.h"

void map_table_clear(struct map_table *table)
{
    pages_unmap(table->pieces, table->capacity * sizeof *table->pieces);
    memset(table, 0, sizeof *table);
}

static bool grow(struct map_table *table)
{
    size_t bytes = table->capacity * sizeof *table->pieces;
    size_t more = bytes == 0 ? pages_size() : 2 * bytes;
    struct map_piece *pieces = pages_map(more);

    if (pieces == NULL)
        return false;
    if (table->n > 0)
        memcpy(pieces, table->pieces, table->n * sizeof *pieces);
    pages_unmap(table->pieces, bytes);
    table->pieces = pieces;
    table->capacity = more / sizeof *pieces;
    return true;
}

/* The number of pieces that begin at an address or above. */
static size_t count_above(const struct map_table *table, uintptr_t address)
{
    size_t low = 0, high = table->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->pieces[middle].start >= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct map_piece *map_table_at(const struct map_table *table, uintptr_t start)
{
    size_t at = count_above(table, start);

    return at > 0 && table->pieces[at - 1].start == start ? &table->pieces[at - 1] : NULL;
}

bool map_table_add(struct map_table *table, const struct map_piece *piece)
{
    size_t at = count_above(table, piece->start);

    if (table->n == table->capacity && !grow(table))
        return false;
    memmove(&table->pieces[at + 1], &table->pieces[at], (table->n - at) * sizeof *table->pieces);
    table->pieces[at] = *piece;
    table->n++;
    return true;
}

static void remove_at(struct map_table *table, size_t at)
{
    table->n--;
    memmove(&table->pieces[at], &table->pieces[at + 1], (table->n - at) * sizeof *table->pieces);
}

static bool has_other(const struct map_table *table, uint32_t mapping)
{
    for (size_t i = 0; mapping != 0 && i < table->n; i++)
        if (table->pieces[i].mapping == mapping)
            return true;
    return false;
}

bool map_table_take(struct map_table *table, uintptr_t start, uintptr_t end,
                    struct map_piece *taken, bool *is_last)
{
    size_t at = count_above(table, start);
    struct map_piece whole, above;

    /* That which begins below may reach into it. */
    if (at == table->n || table->pieces[at].end <= start)
        at--; /* of 0: none */
    if (at >= table->n || table->pieces[at].start >= end)
        return false;
    whole = *taken = above = table->pieces[at];
    remove_at(table, at);
    if ((start > whole.start || end < whole.end) && whole.mapping == 0)
        whole.mapping = taken->mapping = above.mapping = ++table->n_parted;
    if (start > whole.start) {
        taken->start = whole.end = start;
        whole.slack = 0;
        map_table_add(table, &whole);
    }
    if (end < taken->end) {
        above.start = end;
        if (map_table_add(table, &above)) {
            taken->end = end;
            taken->slack = 0;
        }
    }
    *is_last = !has_other(table, taken->mapping);
    return true;
}

size_t map_table_bytes(const struct map_table *table)
{
    return table->capacity * sizeof *table->pieces;
}
