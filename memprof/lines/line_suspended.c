#include "memprof/lines/line_suspended.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

/* A suspended frame of a per_call function, and the table it fills. */
struct suspended {
    const void *key;
    struct line_table *table;
};

static int compare_suspended(const void *a, const void *b)
{
    const char *left = ((const struct suspended *)a)->key;
    const char *right = ((const struct suspended *)b)->key;

    return (left > right) - (left < right);
}

static struct suspended *find_suspended(struct line_function *function, const void *key)
{
    struct suspended wanted = {.key = key}, **found;

    found = tfind(&wanted, &function->suspended, compare_suspended);
    return found == NULL ? NULL : *found;
}

static void remove_suspended(struct line_function *function, struct suspended *entry)
{
    tdelete(entry, &function->suspended, compare_suspended);
    free(entry);
}

void line_suspended_free(struct line_function *function)
{
    while (function->suspended != NULL) {
        struct suspended *entry = *(struct suspended **)function->suspended;

        line_table_free(entry->table);
        remove_suspended(function, entry);
    }
}

static void finish_table(struct line_function *function, struct line_table *table)
{
    if (line_table_used(table))
        function->profiler->finished(function, table);
    /* One free table is kept for the next call. Another one is freed. */
    if (function->table != NULL) {
        line_table_free(table);
        return;
    }
    line_table_clear(table);
    function->table = table;
}

struct line_table *line_suspended_take(struct line_function *function, const void *key, int resumed)
{
    struct line_engine *engine = function->profiler->engine;
    struct line_table *table = function->table;
    struct suspended *entry;
    struct line_work work;

    entry = find_suspended(function, key);
    if (entry != NULL) {
        table = entry->table;
        remove_suspended(function, entry);
        if (resumed)
            return table;
        finish_table(function, table); /* its frame ended without an event */
        table = function->table;
    }
    /* The table is taken: a call in another thread needs its own. */
    function->table = NULL;
    if (table == NULL) {
        line_engine_begin_work(engine, &work);
        table = line_table_new(function->first_line, function->n_rows);
        line_engine_end_work(engine, &work, line_table_size(function->n_rows));
    }
    return table;
}

static int suspend_table(struct line_function *function, const void *key, struct line_table *table)
{
    struct suspended *entry = malloc(sizeof *entry);

    if (entry == NULL)
        return -ENOMEM;
    entry->key = key;
    entry->table = table;
    if (tsearch(entry, &function->suspended, compare_suspended) == NULL) {
        free(entry);
        return -ENOMEM;
    }
    return 0;
}

void line_function_flush(struct line_function *function)
{
    while (function->suspended != NULL) {
        struct suspended *entry = *(struct suspended **)function->suspended;
        struct line_table *table = entry->table;

        /* Removed first: finished() gets a table that nothing else refers to. */
        remove_suspended(function, entry);
        finish_table(function, table);
    }
}

void line_suspended_give(const struct line_frame *frame, enum line_leave how)
{
    /* Without memory to suspend it, the table is handed over now, so nothing that was counted is
     * lost. */
    if (how != LINE_YIELD || suspend_table(frame->function, frame->key, frame->table) != 0)
        finish_table(frame->function, frame->table);
}
