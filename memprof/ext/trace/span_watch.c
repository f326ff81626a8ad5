#include "memprof/ext/trace/span_watch.h"

#include <stdlib.h>

#include "memprof/machine/grow.h"

/* ---- what events of the code tell ---- */

struct span_stack *span_watcher_stack(struct span_watcher *watcher, const struct line_stack *stack)
{
    struct span_stack **stacks = grow_zeroed(watcher->stacks, sizeof(struct span_stack *),
                                             (size_t)stack->slot + 1, &watcher->n_stacks);

    if (stacks == NULL)
        return NULL;
    watcher->stacks = stacks;
    if (stacks[stack->slot] == NULL)
        stacks[stack->slot] = span_stack_new(watcher->log);
    return stacks[stack->slot];
}

int64_t span_watcher_memory(struct span_watcher *watcher, struct line_stack *stack)
{
    return meter_observe(watcher->state->engine.meters[watcher->meter],
                         &stack->meter_threads[watcher->meter]);
}

void span_watch_start(struct line_stack *stack, const struct line_code *code, const void *key)
{
    for (struct span_watch *watch = code->spans; watch != NULL; watch = watch->next) {
        struct span_stack *spans = span_watcher_stack(watch->watcher, stack);

        if (spans != NULL)
            span_begin(watch->watcher->log, spans, key, watch->name,
                       span_watcher_memory(watch->watcher, stack));
        meter_rest(&stack->meter_threads[watch->watcher->meter]);
    }
}

void span_watch_resume(struct line_stack *stack, const struct line_code *code, const void *key)
{
    for (struct span_watch *watch = code->spans; watch != NULL; watch = watch->next) {
        struct span_stack *spans = span_watcher_stack(watch->watcher, stack);

        if (spans != NULL)
            span_resume(watch->watcher->log, spans, key);
    }
}

void span_watch_leave(struct line_stack *stack, const struct line_code *code, const void *key,
                      enum line_leave how)
{
    for (struct span_watch *watch = code->spans; watch != NULL; watch = watch->next) {
        struct span_stack *spans = span_watcher_stack(watch->watcher, stack);

        if (spans == NULL)
            continue;
        if (how == LINE_YIELD)
            span_suspend(watch->watcher->log, spans, key);
        else
            span_end(watch->watcher->log, spans, key, span_watcher_memory(watch->watcher, stack));
        meter_rest(&stack->meter_threads[watch->watcher->meter]);
    }
}

/* ---- watches ---- */

void span_watch_remove(struct span_watch *watch)
{
    struct span_watch **at = &watch->code->spans;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    /* `back` is whatever points here: the watcher's list need not be searched. */
    *watch->back_of_watcher = watch->next_of_watcher;
    if (watch->next_of_watcher != NULL)
        watch->next_of_watcher->back_of_watcher = watch->back_of_watcher;
    free(watch);
}

void span_watch_forget(struct line_code *code)
{
    while (code->spans != NULL)
        span_watch_remove(code->spans);
}

static struct span_watch *find(struct line_code *code, const struct span_watcher *watcher)
{
    struct span_watch *watch = code->spans;

    while (watch != NULL && watch->watcher != watcher)
        watch = watch->next;
    return watch;
}

static struct span_watch *add(struct span_watcher *watcher, struct line_code *code)
{
    struct span_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    watch->watcher = watcher;
    watch->code = code;
    watch->next = code->spans;
    code->spans = watch;
    watch->next_of_watcher = watcher->watches;
    watch->back_of_watcher = &watcher->watches;
    if (watcher->watches != NULL)
        watcher->watches->back_of_watcher = &watch->next_of_watcher;
    watcher->watches = watch;
    return watch;
}

struct span_watch *span_watch_add(struct span_watcher *watcher, struct line_code *code)
{
    struct span_watch *watch = find(code, watcher);

    return watch != NULL ? watch : add(watcher, code);
}
