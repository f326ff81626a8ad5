#include "memprof/lines/call_graph.h"

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
    free(function->edges);
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
    graph->n_stacks = 0;
}

/* Memory of the graph's own is none of the program's. */
static void *tool_calloc(struct call_graph *graph, void *old, size_t old_size, size_t new_size)
{
    int64_t before = meter_tool_begin(graph->meter);
    char *grown = realloc(old, new_size);

    if (grown != NULL)
        memset(grown + old_size, 0, new_size - old_size);
    meter_tool_end(graph->meter, before, new_size);
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

struct call_stack *call_stack_new(struct call_graph *graph, struct meter_thread *meter_thread)
{
    struct call_stack *stack = tool_calloc(graph, NULL, 0, sizeof *stack);

    if (stack == NULL)
        return NULL;
    stack->meter_thread = meter_thread;
    stack->slot = graph->n_stacks++;
    stack->next = graph->stacks;
    graph->stacks = stack;
    return stack;
}

void call_stack_clear(struct call_stack *stack)
{
    while (stack->depth > 0)
        stack->frames[--stack->depth].function->depths[stack->slot]--;
}

/* ---- who called ---- */

/* With more callers than this they are found by hashing. */
#define FEW_CALLERS 8

static uint32_t slot_of(const struct call_function *function, const struct call_function *caller)
{
    uint64_t mixed = (uint64_t)(uintptr_t)caller * UINT64_C(0x9E3779B97F4A7C15);

    return (uint32_t)(mixed >> 32) & (function->edge_slots - 1);
}

static void put_in_slot(struct call_function *function, struct call_edge *edge)
{
    uint32_t slot = slot_of(function, edge->caller);

    while (function->edges[slot] != NULL)
        slot = (slot + 1) & (function->edge_slots - 1);
    function->edges[slot] = edge;
}

/* Room for twice as many; where there is no memory for it, the list goes on serving. */
static void grow_edges(struct call_graph *graph, struct call_function *function)
{
    uint32_t slots = function->edge_slots == 0 ? 4 * FEW_CALLERS : 2 * function->edge_slots;
    struct call_edge **edges = tool_calloc(graph, NULL, 0, slots * sizeof(struct call_edge *));

    /* The list holds every edge, so the slots can be filled anew from it. */
    free(function->edges);
    function->edges = edges;
    function->edge_slots = edges == NULL ? 0 : slots;
    for (struct call_edge *edge = function->callers; edges != NULL && edge != NULL;
         edge = edge->next)
        put_in_slot(function, edge);
}

static struct call_edge *new_edge(struct call_graph *graph, struct call_function *function,
                                  struct call_function *caller)
{
    struct call_edge *edge = tool_calloc(graph, NULL, 0, sizeof *edge);

    if (edge == NULL)
        return NULL;
    edge->caller = caller;
    edge->next = function->callers;
    function->callers = edge;
    function->n_callers++;
    if (function->n_callers > FEW_CALLERS && 2 * function->n_callers > function->edge_slots)
        grow_edges(graph, function);
    else if (function->edges != NULL)
        put_in_slot(function, edge);
    return edge;
}

static struct call_edge *search_slots(const struct call_function *function,
                                      const struct call_function *caller)
{
    uint32_t slot = slot_of(function, caller);

    while (function->edges[slot] != NULL && function->edges[slot]->caller != caller)
        slot = (slot + 1) & (function->edge_slots - 1);
    return function->edges[slot];
}

static struct call_edge *search_list(const struct call_function *function,
                                     const struct call_function *caller)
{
    struct call_edge *edge = function->callers;

    while (edge != NULL && edge->caller != caller)
        edge = edge->next;
    return edge;
}

static struct call_edge *find_edge(struct call_graph *graph, struct call_function *function,
                                   struct call_function *caller)
{
    struct call_edge *edge = function->callers;

    /* The newest caller is tried first: an only caller is found here. */
    if (edge != NULL && edge->caller == caller)
        return edge;
    edge = function->edges != NULL ? search_slots(function, caller) : search_list(function, caller);
    return edge != NULL ? edge : new_edge(graph, function, caller);
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
    if (stack->slot >= function->n_depths) {
        int more = 2 * stack->slot + 4;

        grown = tool_calloc(graph, function->depths,
                            (size_t)function->n_depths * sizeof *function->depths,
                            (size_t)more * sizeof *function->depths);
        if (grown == NULL)
            return -ENOMEM;
        function->depths = grown;
        function->n_depths = more;
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

    if (edge == NULL || ((stack->depth == stack->capacity || stack->slot >= function->n_depths) &&
                         make_room(graph, stack, function) != 0))
        return -ENOMEM;
    frame = &stack->frames[stack->depth++];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): below the depth there are frames */
    frame->key = key;
    frame->function = function;
    frame->edge = edge;
    frame->entry = frame->high = meter_observe(graph->meter, stack->meter_thread);
    frame->called = 0;
    frame->n_folded = 0;
    function->depths[stack->slot]++;
    if (frame > stack->frames)
        raise_high(frame - 1, frame->entry);
    return 0;
}

static struct call_frame *top_of(const struct call_stack *stack)
{
    return stack->depth > 0 ? &stack->frames[stack->depth - 1] : NULL;
}

/* Whether a call is one that a library makes in itself; then it is known to the frame on top, whose
 * heights it shows. */
static bool fold(const struct call_graph *graph, struct call_stack *stack,
                 const struct call_function *function)
{
    struct call_frame *top = graph->folds ? top_of(stack) : NULL;

    if (top == NULL || function->side == CALL_OWN || top->function->side != CALL_LIBRARY)
        return false;
    top->n_folded++;
    raise_high(top, meter_observe(graph->meter, stack->meter_thread));
    return true;
}

/* The same call ends. */
static bool unfold(const struct call_graph *graph, struct call_stack *stack, const void *key)
{
    struct call_frame *top = graph->folds ? top_of(stack) : NULL;

    if (top == NULL || top->n_folded == 0 || top->key == key)
        return false;
    top->n_folded--;
    raise_high(top, meter_observe(graph->meter, stack->meter_thread));
    return true;
}

int call_event_start(struct call_graph *graph, struct call_stack *stack,
                     struct call_function *function, const void *key)
{
    struct call_edge *edge;
    int error, outermost;

    if (fold(graph, stack, function))
        return 0;
    error = push(graph, stack, function, key);
    if (error != 0)
        return error;
    edge = stack->frames[stack->depth - 1].edge;
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
    return fold(graph, stack, function) ? 0 : push(graph, stack, function, key);
}

static void pop(struct call_graph *graph, struct call_stack *stack)
{
    struct call_frame *frame = &stack->frames[--stack->depth];
    struct call_function *function = frame->function;
    int64_t now = meter_observe(graph->meter, stack->meter_thread), grown = now - frame->entry;

    raise_high(frame, now);
    if (frame->high - frame->entry > function->peak)
        function->peak = frame->high - frame->entry;
    function->sums.own += grown - frame->called;
    frame->edge->sums.own += grown - frame->called;
    /* In recursion the outermost call alone is cumulative: it includes the deeper ones. */
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

    if (unfold(graph, stack, key))
        return;
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
