/*
 * The lines of all tables of a run that grew most, and those that peaked: two short lists, in one
 * go through each table. Memory is in bytes.
 */
#ifndef MEMPROF_LINE_RANKING_H
#define MEMPROF_LINE_RANKING_H

#include <stdbool.h>
#include <stddef.h>

#include "memprof/lines/line_table.h"

#define LINE_RANKING_MOST 10

struct ranked_line {
    size_t table; /* what line_ranking_add() was told */
    int line;
    int64_t growth; /* its increment, without the memory at the first entry */
    struct line_row row;
};

/* The first is the highest; of equals the one that was added first. */
struct ranked_lines {
    int n;
    struct ranked_line lines[LINE_RANKING_MOST];
};

struct line_ranking {
    /* By the most above their start that was held while they ran, where that was measured; else by
     * the memory just after them, and of equals by growth. */
    bool by_peak;
    struct ranked_lines grew;   /* more than 0 */
    struct ranked_lines peaked; /* likewise, by_peak */
};

void line_ranking_init(struct line_ranking *ranking, bool by_peak);

/* Looks at each line once. */
void line_ranking_add(struct line_ranking *ranking, size_t which, const struct line_table *table);

#endif
