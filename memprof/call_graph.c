#include "memprof/call_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

void call_graph_init(struct call_graph *graph, struct meter *meter)
{
    memset(graph, 0, sizeof *graph);
    graph->meter = meter;
}

static void function_free(struct call_function *function)
{
    struct call_edge *edge = function->callers, *next;

    for (; edge != NULL; edge = next) {
        next = edge->next;
        free(edge);
    }
    free(function->depths);
    free(function);
}

void call_graph_release(struct call_graph *graph)
{
    while (graph->functions != NULL) {
        struct call_function *function = graph->functions;

        graph->functions = function->next;
        function_free(function);
    }
    while (graph->stacks != NULL) {
        struct call_stack *stack = graph->stacks;

        graph->stacks = stack->next;
        free(stack->frames);
        free(stack);
    }
    graph->stack_count = 0;
}

/* Memory of the graph's own is none of the program's. */
static void *tool_calloc(struct call_graph *graph, void *old, size_t old_size, size_t new_size)
{
    int64_t before = meter_tool_begin(graph->meter);
    char *grown = realloc(old, new_size);

    if (grown != NULL)
        memset(grown + old_size, 0, new_size - old_size);
    meter_tool_end(graph->meter, before);
    return grown;
}

struct call_function *call_function_new(struct call_graph *graph, void *owner)
{
    struct call_function *function = tool_calloc(graph, NULL, 0, sizeof *function);

    if (function == NULL)
        return NULL;
    function->owner = owner;
    function->next = graph->functions;
    graph->functions = function;
    return function;
}

struct call_stack *call_stack_new(struct call_graph *graph)
{
    struct call_stack *stack = tool_calloc(graph, NULL, 0, sizeof *stack);

    if (stack == NULL)
        return NULL;
    stack->slot = graph->stack_count++;
    stack->next = graph->stacks;
    graph->stacks = stack;
    return stack;
}

/* Of this caller: nearly always the latest one. The edge that is found moves to the front. */
static struct call_edge *find_edge(struct call_graph *graph, struct call_function *function,
                                   struct call_function *caller)
{
    struct call_edge **at = &function->callers, *edge = *at;

    if (edge != NULL && edge->caller == caller)
        return edge;
    while (*at != NULL && (*at)->caller != caller)
        at = &(*at)->next;
    edge = *at;
    if (edge != NULL)
        *at = edge->next;
    else
        edge = tool_calloc(graph, NULL, 0, sizeof *edge);
    if (edge == NULL)
        return NULL;
    edge->caller = caller;
    edge->next = function->callers;
    function->callers = edge;
    return edge;
}

static int make_room(struct call_graph *graph, struct call_stack *stack,
                     struct call_function *function)
{
    void *grown;

    if (stack->depth == stack->capacity) {
        int more = stack->capacity == 0 ? FIRST_CAPACITY : 2 * stack->capacity;

        grown = tool_calloc(graph, stack->frames, (size_t)stack->capacity * sizeof *stack->frames,
                            (size_t)more * sizeof *stack->frames);
        if (grown == NULL)
            return -ENOMEM;
        stack->frames = grown;
        stack->capacity = more;
    }
    if (stack->slot >= function->depth_count) {
        int more = 2 * stack->slot + 4;

        grown = tool_calloc(graph, function->depths,
                            (size_t)function->depth_count * sizeof *function->depths,
                            (size_t)more * sizeof *function->depths);
        if (grown == NULL)
            return -ENOMEM;
        function->depths = grown;
        function->depth_count = more;
    }
    return 0;
}

static void raise_high(struct call_frame *frame, int64_t bytes)
{
    if (bytes > frame->high)
        frame->high = bytes;
}

static int push(struct call_graph *graph, struct call_stack *stack, struct call_function *function,
                const void *key)
{
    struct call_frame *caller = stack->depth > 0 ? &stack->frames[stack->depth - 1] : NULL, *frame;
    struct call_edge *edge = find_edge(graph, function, caller == NULL ? NULL : caller->function);

    if (edge == NULL ||
        ((stack->depth == stack->capacity || stack->slot >= function->depth_count) &&
         make_room(graph, stack, function) != 0))
        return -ENOMEM;
    frame = &stack->frames[stack->depth++];
    frame->key = key;
    frame->function = function;
    frame->edge = edge;
    frame->entry = frame->high = meter_observe(graph->meter, &stack->meter_thread);
    frame->called = 0;
    function->depths[stack->slot]++;
    if (frame > stack->frames)
        raise_high(frame - 1, frame->entry);
    return 0;
}

int call_event_start(struct call_graph *graph, struct call_stack *stack,
                     struct call_function *function, const void *key)
{
    int error = push(graph, stack, function, key), outermost;
    struct call_edge *edge = function->callers;

    if (error != 0)
        return error;
    outermost = function->depths[stack->slot] == 1;
    function->sums.calls++;
    edge->sums.calls++;
    function->sums.primitive += (uint64_t)outermost;
    edge->sums.primitive += (uint64_t)outermost;
    return 0;
}

int call_event_resume(struct call_graph *graph, struct call_stack *stack,
                      struct call_function *function, const void *key)
{
    return push(graph, stack, function, key);
}

static void pop(struct call_graph *graph, struct call_stack *stack)
{
    struct call_frame *frame = &stack->frames[--stack->depth];
    struct call_function *function = frame->function;
    int64_t now = meter_observe(graph->meter, &stack->meter_thread), grown = now - frame->entry;

    raise_high(frame, now);
    if (frame->high - frame->entry > function->peak)
        function->peak = frame->high - frame->entry;
    function->sums.own += grown - frame->called;
    frame->edge->sums.own += grown - frame->called;
    if (--function->depths[stack->slot] == 0) {
        function->sums.cumulative += grown;
        frame->edge->sums.cumulative += grown;
    }
    if (stack->depth == 0) {
        graph->outermost += grown;
        return;
    }
    frame[-1].called += grown;
    raise_high(&frame[-1], frame->high);
}

void call_event_leave(struct call_graph *graph, struct call_stack *stack, const void *key)
{
    int at = stack->depth - 1;

    while (at >= 0 && stack->frames[at].key != key)
        at--;
    while (at >= 0 && stack->depth > at)
        pop(graph, stack);
}

void call_graph_stop(struct call_graph *graph)
{
    for (struct call_stack *stack = graph->stacks; stack != NULL; stack = stack->next)
        while (stack->depth > 0)
            pop(graph, stack);
}
