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

static void disown(const struct line_function *function, struct line_table *table)
{
    void *owner = table->owner;

    table->owner = NULL;
    if (owner != NULL)
        function->profiler->disowned(owner);
}

void line_suspended_free(struct line_function *function)
{
    while (function->suspended != NULL) {
        struct suspended *entry = *(struct suspended **)function->suspended;

        disown(function, entry->table);
        line_table_free(entry->table);
        remove_suspended(function, entry);
    }
}

static void finish_table(struct line_function *function, struct line_table *table)
{
    if (line_table_used(table))
        function->profiler->finished(function, table);
    disown(function, table);
    /* One free table is kept for the next call. Another one is freed. */
    if (function->table != NULL) {
        line_table_free(table);
        return;
    }
    line_table_clear(table);
    function->table = table;
}

/* A table that nobody fills, made if need be. */
static struct line_table *take_free(struct line_function *function)
{
    struct line_engine *engine = function->profiler->engine;
    struct line_table *table = function->table;
    struct line_work work;

    /* The table is taken: a call in another thread needs its own. */
    function->table = NULL;
    if (table == NULL) {
        line_engine_begin_work(engine, &work);
        table = line_table_new(function->first_line, function->n_rows);
        line_engine_end_work(engine, &work, line_table_size(function->n_rows));
    }
    return table;
}

struct line_table *line_suspended_take(const struct line_frame *frame, const void *key, int resumed)
{
    struct line_function *function = frame->function;
    struct suspended *entry = find_suspended(function, key);
    struct line_table *table;
    void *owner = NULL;

    if (entry != NULL) {
        table = entry->table;
        remove_suspended(function, entry);
        if (resumed)
            return table;
        finish_table(function, table); /* its frame ended without an event */
    }
    if (function->profiler->claimed != NULL &&
        !function->profiler->claimed(function, frame, key, &owner))
        return NULL;
    table = take_free(function);
    if (table != NULL)
        table->owner = owner;
    else if (owner != NULL)
        function->profiler->disowned(owner);
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
