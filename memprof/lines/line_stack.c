#include "memprof/lines/line_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int line_stack_init(struct line_stack *stack, struct line_engine *engine, int capacity)
{
    void *frames = NULL;

    memset(stack, 0, sizeof *stack);
    if (grow_array(&frames, 0, (size_t)capacity * sizeof *stack->frames, 0) != 0)
        return -ENOMEM;
    stack->frames = frames;
    stack->capacity = capacity;
    stack->slot = engine->n_slots++;
    stack->engine = engine;
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
    free(stack->frames);
    stack->frames = NULL;
    stack->depth = stack->capacity = 0;
}

void line_stack_clear(struct line_stack *stack)
{
    while (stack->depth > 0) {
        struct line_frame *frame = &stack->frames[--stack->depth];

        frame->function->top_by_slot[stack->slot] = frame->below;
    }
    /* The next thread with this stack has read nothing yet: its first event must read. */
    memset(stack->meter_threads, 0, sizeof stack->meter_threads);
}

int line_stack_grow(struct line_stack *stack)
{
    size_t unit = sizeof *stack->frames, old_size = (size_t)stack->capacity * unit;
    struct line_work work;
    void *frames = stack->frames;
    int error;

    /* The stack grows in the middle of the program: its own growth is taken out of the numbers. */
    line_engine_begin_work(stack->engine, &work);
    error = grow_array(&frames, old_size, 2 * old_size, 0);
    line_engine_end_work(stack->engine, &work, 2 * old_size);
    if (error != 0)
        return error;
    stack->frames = frames;
    stack->capacity *= 2;
    return 0;
}

int64_t line_function_open_bytes(const struct line_function *function)
{
    int64_t bytes = 0;

    for (const struct line_stack *stack = function->profiler->engine->stacks; stack != NULL;
         stack = stack->next) {
        int top = stack->slot < function->n_slots_known ? function->top_by_slot[stack->slot] : -1,
            outermost = top;

        while (outermost >= 0 && stack->frames[outermost].below >= 0)
            outermost = stack->frames[outermost].below;
        if (top >= 0)
            /* The topmost frame was recorded up to `start`; what its line did since is not in
             * the table yet. */
            bytes += stack->frames[top].start - stack->frames[outermost].entry;
    }
    return bytes;
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
