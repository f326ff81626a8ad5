/*
 * What is known of the lines of one function: a row per source line, and the ledger that proves
 * that nothing was lost. Memory is in bytes.
 */
#ifndef MEMPROF_LINE_TABLE_H
#define MEMPROF_LINE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct line_row {
    int64_t increment; /* sum over (memory when left - memory when started) */
    int64_t mem;       /* largest reading taken just after the line */
    uint64_t hits;     /* how often the line started; row 0: how often the function was entered */
    int64_t peak;   /* the most above its start that was held while it ran; see line_measures.h */
    uint64_t ticks; /* how long it ran, in clock_ticks(); likewise */
};

struct line_table {
    int first_line;
    int n_rows;
    int64_t entry_bytes;    /* memory at the first entry */
    int64_t segments_bytes; /* sum of (exit - entry) over outermost segments, without tool_bytes */
    int64_t tool_bytes;     /* the tool's own growth that was taken out of those segments */
    /* Of segments_bytes, what calls added that no other counted function had made: these sums of
       all functions add up to what the program grew in any of them. */
    int64_t outermost_bytes;
    int entered;            /* whether entry_bytes is set */
    void *owner;            /* with per_call: whose call it is, the receiver's */
    struct line_row rows[]; /* rows[line - first_line] */
};

/* A table with its memory touched, so that it cannot grow later. NULL without memory. */
struct line_table *line_table_new(int first_line, int n_rows);
void line_table_free(struct line_table *table);

/* How many bytes it takes. */
size_t line_table_size(int n_rows);

/* As new: no line has run. */
void line_table_clear(struct line_table *table);

/* Whether any line has run. */
int line_table_used(const struct line_table *table);

/* Where a line stands among rows; one outside falls on the nearest. */
static inline int line_table_at(int first_line, int n_rows, int line)
{
    int at = line - first_line;

    return at < 0 ? 0 : at >= n_rows ? n_rows - 1 : at;
}

static inline struct line_row *line_table_row(struct line_table *table, int line)
{
    return &table->rows[line_table_at(table->first_line, table->n_rows, line)];
}

/* What a line grew from `start` until `now`, where it may go on. */
static inline void line_row_grow(struct line_row *row, int64_t start, int64_t now)
{
    row->increment += now - start;
}

/* A line that started at `start` was left at `now`. */
static inline void line_row_record(struct line_row *row, int64_t start, int64_t now)
{
    line_row_grow(row, start, now);
    if (now > row->mem)
        row->mem = now;
}

/* Whether a line has run. */
static inline int line_row_used(const struct line_row *row)
{
    return row->hits != 0 || row->increment != 0 || row->mem != 0;
}

/* The sum of all increments. The table balances: it equals entry_bytes + segments_bytes. */
int64_t line_table_sum(const struct line_table *table);

#endif
