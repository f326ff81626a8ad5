#include "memprof/lines/line_box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"

/* ---- after the file was cut short ---- */

static void lost(void *context)
{
    const struct line_box *box = context;

    box->lost(box->engine);
}

void line_box_clear_tables(struct line_box *box)
{
    if (box == NULL)
        return;
    black_box_tell_lacks(&box->box);
    for (size_t i = 0; i < box->n_tables; i++) {
        struct line_table *table = box->tables[i].table;

        table->first_line = box->tables[i].first_line;
        table->n_rows = box->tables[i].n_rows;
        line_table_clear(table);
    }
}

/* ---- life ---- */

int line_box_init(struct line_box *box, struct line_engine *engine,
                  void (*was_lost)(struct line_engine *engine))
{
    int error;

    memset(box, 0, sizeof *box);
    error = black_box_init(&box->box);
    if (error != 0)
        return error;
    box->box.lost = lost;
    box->box.context = box;
    box->engine = engine;
    box->lost = was_lost;
    engine->box = box;
    return 0;
}

void line_box_release(struct line_box *box)
{
    box->engine->box = NULL;
    black_box_release(&box->box);
    free(box->tables);
}

/* ---- records ---- */

/* Room for a record. A new part is memory of the tool, and may come in the middle of a line. */
static void prepare(struct line_box *box, size_t size)
{
    size_t part = black_box_next_part(&box->box, size);
    struct line_work work;

    if (part == 0)
        return;
    line_engine_begin_work(box->engine, &work);
    black_box_grow(&box->box, size);
    line_engine_end_work(box->engine, &work, part);
}

static void *reserve(struct line_box *box, size_t size)
{
    prepare(box, size);
    return black_box_reserve(&box->box, size);
}

bool line_box_has(const struct line_box *box, const void *address)
{
    return box != NULL && black_box_holds(&box->box, address);
}

static int remember(struct line_box *box, struct line_table *table, int first_line, int n_rows)
{
    struct line_box_table *grown =
        grow_double(box->tables, sizeof *grown, box->n_tables + 1, &box->capacity);

    if (grown == NULL)
        return -ENOMEM;
    box->tables = grown;
    box->tables[box->n_tables++] = (struct line_box_table){table, first_line, n_rows};
    return 0;
}

struct line_table *line_box_table_new(struct line_box *box, int first_line, int n_rows)
{
    struct line_table *table;

    n_rows = n_rows < 1 ? 1 : n_rows;
    table = box == NULL ? NULL : reserve(box, line_table_size(n_rows));
    if (table == NULL || remember(box, table, first_line, n_rows) != 0)
        return line_table_new(first_line, n_rows);
    table->first_line = first_line;
    table->n_rows = n_rows;
    black_box_publish(table, LINE_BOX_TABLE);
    return table;
}

void line_box_table_free(struct line_box *box, struct line_table *table)
{
    if (line_box_has(box, table))
        black_box_publish(table, LINE_BOX_GONE);
    else
        line_table_free(table);
}

static size_t stack_size(uint32_t capacity)
{
    return sizeof(struct line_box_stack) + capacity * sizeof(struct line_open);
}

void line_box_prepare_opens(struct line_box *box, uint32_t capacity)
{
    if (box != NULL)
        prepare(box, stack_size(capacity));
}

struct line_open *line_box_opens(struct line_box *box, uint32_t slot, uint32_t capacity,
                                 uint64_t thread)
{
    struct line_box_stack *stack =
        box == NULL ? NULL : black_box_reserve(&box->box, stack_size(capacity));

    if (stack == NULL)
        return NULL;
    stack->thread = thread;
    stack->slot = slot;
    stack->capacity = capacity;
    black_box_publish(stack, LINE_BOX_STACK);
    return stack->opens;
}

void line_box_tell_thread(struct line_box *box, struct line_open *opens, uint64_t thread)
{
    struct line_box_stack *stack =
        (struct line_box_stack *)((char *)opens - offsetof(struct line_box_stack, opens));

    if (line_box_has(box, opens))
        stack->thread = thread;
}

void line_box_tell_head(struct line_box *box, const char *text, size_t length)
{
    char *record = reserve(box, length);

    if (record == NULL)
        return;
    memcpy(record, text, length);
    black_box_publish(record, LINE_BOX_HEAD);
}

void line_box_tell_name(struct line_box *box, const struct line_table *table, const char *text,
                        size_t length)
{
    struct line_box_name *name;

    if (!line_box_has(box, table))
        return;
    name = reserve(box, sizeof *name + length);
    if (name == NULL)
        return;
    name->table = (uint64_t)(uintptr_t)table;
    memcpy(name + 1, text, length);
    black_box_publish(name, LINE_BOX_NAME);
}
