#include "memprof/lines/line_ranking.h"

#include <string.h>

void line_ranking_init(struct line_ranking *ranking, bool by_peak)
{
    memset(ranking, 0, sizeof *ranking);
    ranking->by_peak = by_peak;
}

static bool grew_more(const struct ranked_line *one, const struct ranked_line *other)
{
    return one->growth > other->growth;
}

static bool held_more(const struct ranked_line *one, const struct ranked_line *other)
{
    return one->row.peak > other->row.peak;
}

static bool was_higher(const struct ranked_line *one, const struct ranked_line *other)
{
    return one->row.mem != other->row.mem ? one->row.mem > other->row.mem : grew_more(one, other);
}

/* Where it has a place: most lines are compared with the last of the list alone. */
static void insert(struct ranked_lines *list, const struct ranked_line *line,
                   bool (*is_above)(const struct ranked_line *, const struct ranked_line *))
{
    int at = list->n;

    while (at > 0 && is_above(line, &list->lines[at - 1]))
        at--;
    if (at == LINE_RANKING_MOST)
        return;
    if (list->n < LINE_RANKING_MOST)
        list->n++;
    memmove(&list->lines[at + 1], &list->lines[at],
            (size_t)(list->n - 1 - at) * sizeof list->lines[0]);
    list->lines[at] = *line;
}

static void add_line(struct line_ranking *ranking, const struct ranked_line *line)
{
    if (line->growth > 0)
        insert(&ranking->grew, line, grew_more);
    if (!ranking->by_peak)
        insert(&ranking->peaked, line, was_higher);
    else if (line->row.peak > 0)
        insert(&ranking->peaked, line, held_more);
}

void line_ranking_add(struct line_ranking *ranking, size_t which, const struct line_table *table)
{
    for (int i = 0; i < table->n_rows; i++) {
        const struct line_row *row = &table->rows[i];
        struct ranked_line line = {.table = which, .line = table->first_line + i};

        line.row = *row;
        line.growth = row->increment - (i == 0 ? table->entry_bytes : 0);
        /* The first row counts entries, and is a line of its own only where something ran on it. */
        if (line_row_used(row) && (i > 0 || table->n_rows == 1 || line.growth != 0))
            add_line(ranking, &line);
    }
}
