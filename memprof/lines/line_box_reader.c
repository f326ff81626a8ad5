#include "memprof/lines/line_box_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/lines/line_box.h"
#include "memprof/machine/black_box_reader.h"
#include "memprof/machine/grow.h"

/* What is gathered before it can be sorted out. */
struct reading {
    struct black_box_cursor cursor;
    struct line_box_view *view;
    size_t capacity;                      /* of the view's functions */
    const struct line_box_stack **stacks; /* in the order of the file */
    size_t n_stacks, stacks_capacity;
};

/* Sums of hostile numbers may overflow: they wrap. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* ---- records ---- */

static int add_table(struct reading *reading, const void *record, size_t size)
{
    const struct line_table *table = record;
    struct line_box_view *view = reading->view;
    struct line_box_function *grown;

    if (size < sizeof *table || table->n_rows < 1 || size != line_table_size(table->n_rows))
        return 0;
    grown = grow_double(view->functions, sizeof *grown, view->n_functions + 1, &reading->capacity);
    if (grown == NULL)
        return -ENOMEM;
    view->functions = grown;
    view->functions[view->n_functions++] = (struct line_box_function){.table = table};
    return 0;
}

static int add_stack(struct reading *reading, const void *record, size_t size)
{
    const struct line_box_stack *stack = record, **grown;

    if (size < sizeof *stack ||
        (size - sizeof *stack) / sizeof stack->opens[0] < (size_t)stack->capacity)
        return 0;
    grown = grow_double((void *)reading->stacks, sizeof(struct line_box_stack *),
                        reading->n_stacks + 1, &reading->stacks_capacity);
    if (grown == NULL)
        return -ENOMEM;
    reading->stacks = grown;
    reading->stacks[reading->n_stacks++] = stack;
    return 0;
}

static int compare_tables(const void *key, const void *element)
{
    const struct line_table *wanted = key,
                            *there = ((const struct line_box_function *)element)->table;

    return (wanted > there) - (wanted < there);
}

/* The function whose table was at an address. Tables were added in the order of the file. */
static struct line_box_function *find_function(const struct reading *reading, uint64_t address)
{
    const struct line_box_view *view = reading->view;
    const void *table = black_box_find(&reading->cursor, address, sizeof(struct line_table));

    if (table == NULL || view->n_functions == 0)
        return NULL;
    return bsearch(table, view->functions, view->n_functions, sizeof *view->functions,
                   compare_tables);
}

/* A name stands behind its table. */
static void add_name(struct reading *reading, const void *record, size_t size)
{
    const struct line_box_name *name = record;
    struct line_box_function *function;

    if (size < sizeof *name)
        return;
    function = find_function(reading, name->table);
    if (function == NULL)
        return;
    function->name = (const char *)(name + 1);
    function->name_length = size - sizeof *name;
}

static int add_record(struct reading *reading, uint64_t kind, const void *record, size_t size)
{
    switch (kind) {
    case LINE_BOX_HEAD:
        reading->view->head = record;
        reading->view->head_length = size;
        return 0;
    case LINE_BOX_TABLE:
        return add_table(reading, record, size);
    case LINE_BOX_NAME:
        add_name(reading, record, size);
        return 0;
    case LINE_BOX_STACK:
        return add_stack(reading, record, size);
    default:
        return 0;
    }
}

/* ---- what ran ---- */

/* Of one slot the last in the file comes last. */
static int compare_stacks(const void *a, const void *b)
{
    const struct line_box_stack *left = *(const struct line_box_stack *const *)a,
                                *right = *(const struct line_box_stack *const *)b;

    if (left->slot != right->slot)
        return (left->slot > right->slot) - (left->slot < right->slot);
    return (left > right) - (left < right);
}

/* The line of a row at an address; the first one where no line had begun. */
static int64_t line_of(const struct reading *reading, const struct line_table *table,
                       uint64_t address)
{
    const char *row = black_box_find(&reading->cursor, address, sizeof(struct line_row));
    ptrdiff_t at = row == NULL ? -1 : row - (const char *)table->rows;

    if (at < 0 || at / (ptrdiff_t)sizeof(struct line_row) >= table->n_rows)
        return table->first_line;
    return (int64_t)table->first_line + at / (ptrdiff_t)sizeof(struct line_row);
}

static struct line_box_function *function_of(const struct reading *reading,
                                             const struct line_open *open)
{
    return find_function(reading, (uint64_t)(uintptr_t)open->table);
}

/* How many frames are open; and of each function the outermost entry, and the latest start. */
static uint32_t look_at_frames(const struct reading *reading, const struct line_box_stack *stack,
                               size_t number)
{
    uint32_t depth = 0;

    for (; depth < stack->capacity && stack->opens[depth].table != NULL; depth++) {
        const struct line_open *open = &stack->opens[depth];
        struct line_box_function *function = function_of(reading, open);

        if (function == NULL)
            continue;
        if (function->seen_in != number)
            function->entry = open->entry;
        function->seen_in = number;
        function->start = open->start;
    }
    return depth;
}

static int add_running(const struct reading *reading, const struct line_box_stack *stack,
                       const struct line_open *top, size_t *capacity)
{
    struct line_box_view *view = reading->view;
    const struct line_box_function *function = function_of(reading, top);
    struct line_box_running *grown;

    if (function == NULL)
        return 0;
    grown = grow_double(view->running, sizeof *grown, view->n_running + 1, capacity);
    if (grown == NULL)
        return -ENOMEM;
    view->running = grown;
    view->running[view->n_running++] =
        (struct line_box_running){stack->thread, (size_t)(function - view->functions),
                                  line_of(reading, function->table, (uint64_t)(uintptr_t)top->row)};
    return 0;
}

/* `number` is not 0 and of this stack alone. */
static int look_at_stack(const struct reading *reading, const struct line_box_stack *stack,
                         size_t number, size_t *capacity)
{
    uint32_t depth = look_at_frames(reading, stack, number);

    for (uint32_t i = 0; i < depth; i++) {
        struct line_box_function *function = function_of(reading, &stack->opens[i]);

        if (function == NULL || function->seen_in != number)
            continue;
        function->open_bytes = minus(function->open_bytes, minus(function->entry, function->start));
        /* What a callee has added so far, its caller has as well. */
        if (i == 0)
            function->open_outermost =
                minus(function->open_outermost,
                      minus(stack->opens[0].entry, stack->opens[depth - 1].start));
        function->seen_in = 0; /* counted once */
    }
    return depth == 0 ? 0 : add_running(reading, stack, &stack->opens[depth - 1], capacity);
}

static int look_at_stacks(struct reading *reading)
{
    size_t capacity = 0;
    int error = 0;

    if (reading->n_stacks > 0)
        qsort((void *)reading->stacks, reading->n_stacks, sizeof(const void *), compare_stacks);
    for (size_t i = 0; error == 0 && i < reading->n_stacks; i++)
        if (i + 1 == reading->n_stacks || reading->stacks[i + 1]->slot != reading->stacks[i]->slot)
            error = look_at_stack(reading, reading->stacks[i], i + 1, &capacity);
    return error;
}

/* -errno, or 0 for what is none. */
static int sane_error(int32_t error)
{
    return error < -4095 || error > 0 ? 0 : error;
}

int line_box_read(struct line_box_view *view, const void *bytes, size_t size)
{
    struct reading reading = {.view = view};
    struct black_box_record record;
    const void *at;
    int error;

    memset(view, 0, sizeof *view);
    error = black_box_read(&reading.cursor, bytes, size);
    if (error != 0)
        return error;
    view->pid = reading.cursor.header.pid;
    view->n_missing = reading.cursor.header.n_missing;
    view->last_error = sane_error(reading.cursor.header.last_error);
    view->was_cut = reading.cursor.header.was_cut || black_box_is_short(&reading.cursor);
    while (error == 0 && (at = black_box_next(&reading.cursor, &record)) != NULL)
        error = add_record(&reading, record.kind, at, (size_t)record.size);
    if (error == 0)
        error = look_at_stacks(&reading);
    free((void *)reading.stacks);
    return error;
}

void line_box_view_release(struct line_box_view *view)
{
    free(view->functions);
    free(view->running);
    memset(view, 0, sizeof *view);
}

int64_t line_box_segments(const struct line_box_function *function)
{
    return minus(function->table->segments_bytes, minus(0, function->open_bytes));
}

int64_t line_box_outermost(const struct line_box_function *function)
{
    return minus(function->table->outermost_bytes, minus(0, function->open_outermost));
}

int64_t line_box_in_flight(const struct line_box_function *function)
{
    const struct line_table *table = function->table;

    return minus(minus(line_table_sum(table), table->entry_bytes), line_box_segments(function));
}
