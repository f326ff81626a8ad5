/*
 * What a walk over a heap has still to visit: the last that was put on it comes first. Memory is
 * past malloc(), in segments, so that it never moves, and is given back as the walk goes on.
 */
#ifndef MEMPROF_WALK_STACK_H
#define MEMPROF_WALK_STACK_H

#include <stdbool.h>
#include <stddef.h>

#define WALK_SEGMENT_BYTES ((size_t)1 << 16)
#define WALK_SEGMENT_ITEMS (WALK_SEGMENT_BYTES / sizeof(void *) - 1)
/* How far below the top is what should be on its way from memory. */
#define WALK_AHEAD 8

struct walk_segment {
    struct walk_segment *before;
    void *items[WALK_SEGMENT_ITEMS];
};

/* All zero is an empty one. */
struct walk_stack {
    struct walk_segment *top, *spare; /* owned */
    size_t n;                         /* of the topmost segment */
    bool has_failed;                  /* without memory: something was not put on it */
};

void walk_stack_release(struct walk_stack *stack);

/* A segment more, or one less; both are of push and pop alone. */
bool walk_stack_grow(struct walk_stack *stack);
void walk_stack_shrink(struct walk_stack *stack);

static inline void walk_stack_push(struct walk_stack *stack, void *item)
{
    if (__builtin_expect(stack->top == NULL || stack->n == WALK_SEGMENT_ITEMS, 0) &&
        !walk_stack_grow(stack))
        return;
    stack->top->items[stack->n++] = item;
}

/* What is so far below the top, in the topmost segment; NULL where nothing is. */
static inline void *walk_stack_below(const struct walk_stack *stack, size_t depth)
{
    return stack->top == NULL || stack->n <= depth ? NULL : stack->top->items[stack->n - 1 - depth];
}

/* NULL where it is empty. */
static inline void *walk_stack_pop(struct walk_stack *stack)
{
    void *item;

    if (stack->top == NULL)
        return NULL;
    item = stack->top->items[--stack->n];
    if (stack->n >= WALK_AHEAD)
        __builtin_prefetch(stack->top->items[stack->n - WALK_AHEAD]);
    if (stack->n == 0)
        walk_stack_shrink(stack);
    return item;
}

#endif
