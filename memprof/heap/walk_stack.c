#include "memprof/heap/walk_stack.h"

#include <string.h>

#include "memprof/machine/pages.h"

bool walk_stack_grow(struct walk_stack *stack)
{
    struct walk_segment *segment = stack->spare;

    if (segment == NULL)
        segment = pages_map(sizeof *segment);
    if (segment == NULL) {
        stack->has_failed = true;
        return false;
    }
    stack->spare = NULL;
    segment->before = stack->top;
    stack->top = segment;
    stack->n = 0;
    return true;
}

void walk_stack_shrink(struct walk_stack *stack)
{
    struct walk_segment *before = stack->top->before;

    /* One is kept: a stack that goes up and down here would ask the system each time. */
    pages_unmap(stack->spare, sizeof *stack->spare);
    stack->spare = stack->top;
    stack->top = before;
    stack->n = before == NULL ? 0 : WALK_SEGMENT_ITEMS;
}

void walk_stack_release(struct walk_stack *stack)
{
    while (stack->top != NULL) {
        struct walk_segment *before = stack->top->before;

        pages_unmap(stack->top, sizeof *stack->top);
        stack->top = before;
    }
    pages_unmap(stack->spare, sizeof *stack->spare);
    memset(stack, 0, sizeof *stack);
}
