#include "memprof/lines/line_table.h"

#include <stdlib.h>
#include <string.h>

size_t line_table_size(int n_rows)
{
    return sizeof(struct line_table) + (size_t)n_rows * sizeof(struct line_row);
}

struct line_table *line_table_new(int first_line, int n_rows)
{
    struct line_table *table;

    /* Row 0 is always there: it counts entries. */
    if (n_rows < 1)
        n_rows = 1;
    table = malloc(line_table_size(n_rows));
    if (table == NULL)
        return NULL;
    table->first_line = first_line;
    table->n_rows = n_rows;
    table->owner = NULL;
    line_table_clear(table);
    return table;
}

void line_table_free(struct line_table *table)
{
    free(table);
}

void line_table_clear(struct line_table *table)
{
    table->entry_bytes = 0;
    table->segments_bytes = 0;
    table->outermost_bytes = 0;
    table->tool_bytes = 0;
    table->entered = 0;
    memset(table->rows, 0, (size_t)table->n_rows * sizeof table->rows[0]);
}

int line_table_used(const struct line_table *table)
{
    return table->entered;
}

int64_t line_table_sum(const struct line_table *table)
{
    uint64_t sum = 0; /* a table that was read from a file may hold anything: it wraps */

    for (int i = 0; i < table->n_rows; i++)
        sum += (uint64_t)table->rows[i].increment;
    return (int64_t)sum;
}
