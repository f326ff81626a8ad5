#include "memprof/lines/line_profiler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/lines/line_box.h"
#include "memprof/machine/grow.h"

void line_profiler_init(struct line_profiler *profiler, struct line_engine *engine, int meter)
{
    memset(profiler, 0, sizeof *profiler);
    profiler->engine = engine;
    profiler->meter = meter;
}

void line_profiler_enable(struct line_profiler *profiler)
{
    profiler->enabled++;
    line_engine_changed(profiler->engine);
}

void line_profiler_disable(struct line_profiler *profiler)
{
    profiler->enabled--;
    line_engine_changed(profiler->engine);
}

/* Room for one more function. */
static int grow(struct line_profiler *profiler)
{
    struct line_function **grown =
        grow_double(profiler->functions, sizeof(struct line_function *),
                    (size_t)profiler->n_functions + 1, &profiler->capacity);

    if (grown == NULL)
        return -ENOMEM;
    profiler->functions = grown;
    return 0;
}

static void free_table(struct line_function *function)
{
    line_box_table_free(function->profiler->engine->box, function->table);
}

struct line_function *line_function_new(struct line_profiler *profiler, int first_line, int n_rows,
                                        int per_call)
{
    struct line_function *function = calloc(1, sizeof *function);

    if (function == NULL)
        return NULL;
    function->profiler = profiler;
    function->meter = profiler->engine->meters[profiler->meter];
    function->meter_index = profiler->meter;
    function->first_line = first_line;
    function->n_rows = n_rows;
    function->per_call = per_call;
    function->index = profiler->n_functions;
    /* Tables of single calls come and go; they are handed over when they are complete. */
    function->table = per_call ? line_table_new(first_line, n_rows)
                               : line_box_table_new(profiler->engine->box, first_line, n_rows);
    if (function->table == NULL || grow(profiler) != 0) {
        free_table(function);
        free(function);
        return NULL;
    }
    profiler->functions[profiler->n_functions++] = function;
    return function;
}

static void function_free(struct line_function *function)
{
    /* First of all: the receiver still finds the function whole. */
    if (function->profiler->forgotten != NULL)
        function->profiler->forgotten(function);
    while (function->watches != NULL)
        line_watch_take_out(function->watches);
    line_suspended_free(function);
    free_table(function);
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
