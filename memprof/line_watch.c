/* The half of line_profiler.h that comes before any event: who watches which code. */
#include "memprof/line_profiler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/call_tables.h"

void line_machine_set_peak(struct line_machine *machine, struct peak_meter *peak)
{
    machine->peak = peak;
    line_machine_changed(machine);
}

void line_profiler_init(struct line_profiler *profiler, struct line_machine *machine, int meter)
{
    memset(profiler, 0, sizeof *profiler);
    profiler->machine = machine;
    profiler->last = &profiler->functions;
    profiler->meter = meter;
}

void line_profiler_enable(struct line_profiler *profiler)
{
    profiler->enabled++;
    line_machine_changed(profiler->machine);
}

void line_profiler_disable(struct line_profiler *profiler)
{
    profiler->enabled--;
    line_machine_changed(profiler->machine);
}

struct line_function *line_function_new(struct line_profiler *profiler, int first_line, int n_rows,
                                        int per_call)
{
    struct line_function *function = calloc(1, sizeof *function);

    if (function == NULL)
        return NULL;
    function->profiler = profiler;
    function->meter = profiler->machine->meters[profiler->meter];
    function->meter_index = profiler->meter;
    function->first_line = first_line;
    function->n_rows = n_rows;
    function->per_call = per_call;
    function->index = profiler->n_functions++;
    function->table = line_table_new(first_line, n_rows);
    if (function->table == NULL) {
        free(function);
        return NULL;
    }
    *profiler->last = function;
    profiler->last = &function->next;
    return function;
}

static void function_free(struct line_function *function)
{
    call_tables_free(function);
    line_table_free(function->table);
    free(function->tops);
    free(function);
}

void line_profiler_clear(struct line_profiler *profiler)
{
    struct line_function *function = profiler->functions, *next;

    for (; function != NULL; function = next) {
        next = function->next;
        function_free(function);
    }
    profiler->functions = NULL;
    profiler->n_functions = 0;
    profiler->last = &profiler->functions;
}

int line_function_watch(struct line_function *function, struct line_code *code, int is_top)
{
    struct line_watch *watch = malloc(sizeof *watch);

    if (watch == NULL)
        return -ENOMEM;
    watch->function = function;
    watch->is_top = is_top;
    watch->next = code->watches;
    code->watches = watch;
    line_machine_changed(function->profiler->machine);
    return 0;
}

void line_code_unwatch(struct line_code *code, const struct line_profiler *profiler)
{
    struct line_watch **at = &code->watches, *watch;

    while ((watch = *at) != NULL) {
        if (profiler == NULL || watch->function->profiler == profiler) {
            *at = watch->next;
            line_machine_changed(watch->function->profiler->machine);
            free(watch);
        } else {
            at = &watch->next;
        }
    }
}

struct line_watch *line_code_watch_of(const struct line_code *code,
                                      const struct line_profiler *profiler)
{
    struct line_watch *watch = code->watches;

    while (watch != NULL && watch->function->profiler != profiler)
        watch = watch->next;
    return watch;
}
