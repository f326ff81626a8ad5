#include "memprof/heap/birth_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define FIRST_ROWS 1024

static int allocate(struct birth_table *table, uint32_t n_rows)
{
    memset(table, 0, sizeof *table);
    table->rows = pages_map(n_rows * sizeof *table->rows);
    if (table->rows == NULL)
        return -ENOMEM;
    table->n_rows = n_rows;
    return 0;
}

int birth_table_init(struct birth_table *table)
{
    return allocate(table, FIRST_ROWS);
}

void birth_table_release(struct birth_table *table)
{
    pages_unmap(table->rows, table->n_rows * sizeof *table->rows);
    memset(table, 0, sizeof *table);
}

/* The pair's row, or where it is to be. */
static struct birth_row *find(const struct birth_table *table, const void *type, uint64_t place)
{
    uint64_t hash = ((uintptr_t)type >> 4) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t mask = table->n_rows - 1, at;

    hash = (hash ^ place) * UINT64_C(0x9E3779B97F4A7C15);
    for (at = (uint32_t)(hash >> 32) & mask; table->rows[at].n_objects != 0; at = (at + 1) & mask)
        if (table->rows[at].type == type && table->rows[at].place == place)
            break;
    return &table->rows[at];
}

static bool grow(struct birth_table *table)
{
    struct birth_table larger;

    if (table->n_rows > UINT32_MAX / 4 || allocate(&larger, 2 * table->n_rows) != 0)
        return false;
    for (uint32_t i = 0; i < table->n_rows; i++)
        if (table->rows[i].n_objects != 0)
            *find(&larger, table->rows[i].type, table->rows[i].place) = table->rows[i];
    larger.n = table->n;
    birth_table_release(table);
    *table = larger;
    return true;
}

int birth_table_add(struct birth_table *table, const void *type, uint64_t place, uint64_t bytes)
{
    struct birth_row *row = find(table, type, place);

    if (row->n_objects == 0) {
        if (table->n >= table->n_rows / 2) {
            if (!grow(table))
                return -ENOMEM;
            row = find(table, type, place);
        }
        row->type = type;
        row->place = place;
        table->n++;
    }
    row->n_objects++;
    row->bytes += bytes;
    return 0;
}
