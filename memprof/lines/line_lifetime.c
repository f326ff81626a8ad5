#include "memprof/lines/line_lifetime.h"

#include <stdlib.h>

#include "memprof/lines/line_box.h"
#include "memprof/lines/line_event.h"

static void function_free(struct line_function *function)
{
    /* First of all: the receiver still finds the function whole. */
    if (function->profiler->forgotten != NULL)
        function->profiler->forgotten(function);
    while (function->watches != NULL)
        line_watch_take_out(function->watches);
    line_suspended_free(function);
    line_box_table_free(function->profiler->engine->box, function->table);
    free(function->top_by_slot);
    free(function);
}

void line_profiler_clear(struct line_profiler *profiler)
{
    while (profiler->n_functions > 0)
        function_free(profiler->functions[--profiler->n_functions]);
    free(profiler->functions);
    profiler->functions = NULL;
    profiler->capacity = 0;
}

/* A function that can never run again: what generators left of it is handed over first. */
static void forget_function(struct line_function *function)
{
    struct line_profiler *profiler = function->profiler;
    struct line_function *last;

    line_function_flush(function);
    /* The last function takes the free place: no search, and nothing else moves. */
    last = profiler->functions[--profiler->n_functions];
    profiler->functions[function->index] = last;
    last->index = function->index;
    function_free(function);
    /* Last of all: emptied() may free the profiler. */
    if (profiler->n_functions == 0 && profiler->emptied != NULL)
        profiler->emptied(profiler);
}

void line_watch_remove(struct line_watch *watch)
{
    struct line_function *function = watch->function;

    line_watch_take_out(watch);
    if (function->per_call && function->watches == NULL)
        forget_function(function);
}

void line_code_forget(struct line_code *code)
{
    struct line_engine *engine;

    if (code->watches == NULL)
        return;
    /* The engine is looked up first: watches and functions go below. */
    engine = code->watches->function->profiler->engine;
    /* Frames first: to end them needs their functions and tables. */
    for (struct line_stack *stack = engine->stacks; stack != NULL; stack = stack->next)
        line_stack_drop_code(stack, code);
    while (code->watches != NULL)
        line_watch_remove(code->watches);
}
