#include "memprof/lines/line_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/lines/line_box.h"

/* realloc of an array whose new part is filled with `fill`, and so touched. */
static int grow_array(void **array, size_t old_size, size_t new_size, int fill)
{
    char *grown = realloc(*array, new_size);

    if (grown == NULL)
        return -ENOMEM;
    memset(grown + old_size, fill, new_size - old_size);
    *array = grown;
    return 0;
}

/* ---- what frames have open ---- */

/* In the engine's box, else of its own; touched. NULL without memory. */
static struct line_open *new_opens(struct line_stack *stack, int capacity)
{
    struct line_open *opens = line_box_opens(stack->engine->box, (uint32_t)stack->slot,
                                             (uint32_t)capacity, stack->thread);
    void *memory = NULL;

    if (opens == NULL && grow_array(&memory, 0, (size_t)capacity * sizeof *opens, 0) == 0)
        opens = memory;
    return opens;
}

static void free_opens(struct line_stack *stack)
{
    if (!line_box_has(stack->engine->box, stack->opens))
        free(stack->opens);
}

void line_stack_tell_thread(struct line_stack *stack, uint64_t thread)
{
    stack->thread = thread;
    line_box_tell_thread(stack->engine->box, stack->opens, thread);
}

void line_stacks_lose(struct line_engine *engine)
{
    engine->is_lost = 1;
    line_engine_changed(engine);
    for (struct line_stack *stack = engine->stacks; stack != NULL; stack = stack->next)
        for (int i = 0; i < stack->capacity; i++) /* one may be about to go on top */
            stack->frames[i].slow = 1;
}

static void begin_anew(struct line_frame *frame, struct line_open *open)
{
    struct line_table *table = frame->table;
    int64_t now = frame->meter_thread->bytes;

    frame->start = frame->entry = now;
    frame->entry_tool = frame->meter->tool_bytes;
    *open = (struct line_open){table, frame->row, now, now};
    frame->slow = frame->shares_frame || frame->function->profiler->limit != 0 || frame->measures;
    if (frame->function->per_call && frame->below < 0)
        line_table_clear(table); /* it lies in no box */
    if (table->entered)
        return;
    table->entered = 1;
    table->entry_bytes = now;
    table->rows[0].increment += now;
}

void line_stacks_begin_anew(struct line_engine *engine)
{
    engine->is_lost = 0;
    line_box_clear_tables(engine->box);
    for (struct line_stack *stack = engine->stacks; stack != NULL; stack = stack->next)
        for (int i = 0; i < stack->depth; i++)
            begin_anew(&stack->frames[i], &stack->opens[i]);
}

/* ---- life ---- */

int line_stack_init(struct line_stack *stack, struct line_engine *engine, int capacity)
{
    void *frames = NULL;

    memset(stack, 0, sizeof *stack);
    stack->engine = engine;
    stack->slot = engine->n_slots;
    if (grow_array(&frames, 0, (size_t)capacity * sizeof *stack->frames, 0) != 0)
        return -ENOMEM;
    stack->opens = new_opens(stack, capacity);
    if (stack->opens == NULL) {
        free(frames);
        return -ENOMEM;
    }
    stack->frames = frames;
    stack->capacity = capacity;
    engine->n_slots++;
    stack->next = engine->stacks;
    engine->stacks = stack;
    return 0;
}

void line_stack_release(struct line_stack *stack)
{
    struct line_stack **at = &stack->engine->stacks;

    while (*at != stack)
        at = &(*at)->next;
    *at = stack->next;
    free_opens(stack);
    free(stack->frames);
    stack->frames = NULL;
    stack->opens = NULL;
    stack->depth = stack->capacity = 0;
}

void line_stack_clear(struct line_stack *stack)
{
    while (stack->depth > 0) {
        struct line_frame *frame = &stack->frames[--stack->depth];

        frame->function->top_by_slot[stack->slot] = frame->below;
        stack->opens[stack->depth].table = NULL;
    }
    /* The next thread with this stack has read nothing yet: its first event must read. */
    memset(stack->meter_threads, 0, sizeof stack->meter_threads);
}

/* Twice the frames, and what they have open. */
static int double_arrays(struct line_stack *stack)
{
    size_t n = (size_t)stack->capacity, unit = sizeof *stack->frames;
    struct line_open *opens = new_opens(stack, 2 * stack->capacity);
    void *frames = stack->frames;

    if (opens == NULL)
        return -ENOMEM;
    memcpy(opens, stack->opens, n * sizeof *opens);
    free_opens(stack);
    /* Also where the frames cannot grow: the stack is whole, with some room to spare. */
    stack->opens = opens;
    if (grow_array(&frames, n * unit, 2 * n * unit, 0) == 0) {
        stack->frames = frames;
        stack->capacity *= 2;
    }
    return (size_t)stack->capacity == n ? -ENOMEM : 0;
}

int line_stack_grow(struct line_stack *stack)
{
    size_t more = 2 * (size_t)stack->capacity * (sizeof *stack->frames + sizeof *stack->opens);
    struct line_work work;
    int error;

    line_box_prepare_opens(stack->engine->box, (uint32_t)(2 * stack->capacity));
    /* The stack grows in the middle of the program: its own growth is taken out of the numbers. */
    line_engine_begin_work(stack->engine, &work);
    error = double_arrays(stack);
    line_engine_end_work(stack->engine, &work, more);
    return error;
}

/* Of the calls that run in a thread; only_outermost: 0 where another function has made them. */
static int64_t open_bytes_in(const struct line_stack *stack, const struct line_function *function,
                             bool only_outermost)
{
    int top = stack->slot < function->n_slots_known ? function->top_by_slot[stack->slot] : -1,
        first = top;

    while (first >= 0 && stack->frames[first].below >= 0)
        first = stack->frames[first].below;
    if (top < 0 || (only_outermost && !stack->frames[first].is_outermost))
        return 0;
    /* What a callee has added so far, its caller has as well. */
    if (only_outermost && stack->frames[stack->depth - 1].meter == function->meter)
        top = stack->depth - 1;
    /* The topmost frame was recorded up to `start`; what its line did since is not in the table
     * yet. */
    return stack->frames[top].start - stack->frames[first].entry;
}

static int64_t sum_of_open_bytes(const struct line_function *function, bool only_outermost)
{
    int64_t bytes = 0;

    for (const struct line_stack *stack = function->profiler->engine->stacks; stack != NULL;
         stack = stack->next)
        bytes += open_bytes_in(stack, function, only_outermost);
    return bytes;
}

int64_t line_function_open_bytes(const struct line_function *function)
{
    return sum_of_open_bytes(function, false);
}

int64_t line_function_open_outermost_bytes(const struct line_function *function)
{
    return sum_of_open_bytes(function, true);
}

int line_function_grow_slots(struct line_function *function, int slot)
{
    struct line_engine *engine = function->profiler->engine;
    size_t unit = sizeof *function->top_by_slot, old_size = (size_t)function->n_slots_known * unit;
    int wanted = slot < 4 ? 4 : 2 * slot, error;
    void *top_by_slot = function->top_by_slot;
    struct line_work work;

    line_engine_begin_work(engine, &work);
    error = grow_array(&top_by_slot, old_size, (size_t)wanted * unit, -1);
    line_engine_end_work(engine, &work, (size_t)wanted * unit);
    if (error != 0)
        return error;
    function->top_by_slot = top_by_slot;
    function->n_slots_known = wanted;
    return 0;
}

bool line_stack_keeps_to(const struct line_stack *stack, const struct line_watch *watch,
                         const void *key)
{
    const void *only = watch->function->profiler->only_frame;
    int at = stack->depth - 1, above = stack->depth - 1;

    if (watch->is_top)
        return key == only;
    while (at >= 0 && stack->frames[at].key != only)
        at--;
    while (at >= 0 && above > at && stack->frames[above].code != stack->frames[at].code)
        above--;
    return at >= 0 && above == at;
}
