#include "memprof/heap/type_table.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define FIRST_SLOTS 4096

/* Half of the slots have rows at most. */
static size_t rows_bytes(uint32_t n_slots)
{
    return n_slots / 2 * sizeof(struct type_row);
}

static bool allocate(struct type_table *table, uint32_t n_slots)
{
    table->rows = pages_map(rows_bytes(n_slots));
    table->slots = pages_map(n_slots * sizeof *table->slots);
    table->n_slots = n_slots;
    if (table->rows != NULL && table->slots != NULL)
        return true;
    type_table_release(table);
    return false;
}

int type_table_init(struct type_table *table)
{
    memset(table, 0, sizeof *table);
    return allocate(table, FIRST_SLOTS) ? 0 : -ENOMEM;
}

void type_table_release(struct type_table *table)
{
    pages_unmap(table->rows, rows_bytes(table->n_slots));
    pages_unmap(table->slots, table->n_slots * sizeof *table->slots);
    memset(table, 0, sizeof *table);
}

static void put(struct type_table *table, uint32_t row)
{
    uint32_t mask = table->n_slots - 1;
    uint32_t at = type_table_hash(table->rows[row].type) >> 8 & mask;

    while (table->slots[at] != 0)
        at = (at + 1) & mask;
    table->slots[at] = row + 1;
}

static bool grow(struct type_table *table)
{
    struct type_table larger = {0};

    if (!allocate(&larger, 2 * table->n_slots))
        return false;
    memcpy(larger.rows, table->rows, table->n * sizeof *table->rows);
    larger.n = table->n;
    type_table_release(table);
    *table = larger;
    for (uint32_t row = 0; row < table->n; row++)
        put(table, row);
    return true;
}

struct type_row *type_table_add(struct type_table *table, const void *type)
{
    if (table->n == table->n_slots / 2 && !grow(table))
        return NULL;
    memset(&table->rows[table->n], 0, sizeof *table->rows);
    table->rows[table->n].type = type;
    put(table, table->n);
    return &table->rows[table->n++];
}
