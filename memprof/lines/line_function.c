#include "memprof/lines/line_function.h"

#include <errno.h>
#include <stdlib.h>

#include "memprof/lines/line_box.h"
#include "memprof/machine/grow.h"

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
    function->n_rows = n_rows < 1 ? 1 : n_rows; /* row 0 is always there: it counts entries */
    function->per_call = per_call;
    function->index = profiler->n_functions;
    function->table =
        line_box_table_new(profiler->survives ? profiler->engine->box : NULL, first_line, n_rows);
    if (function->table == NULL || grow(profiler) != 0) {
        line_box_table_free(profiler->engine->box, function->table);
        free(function);
        return NULL;
    }
    profiler->functions[profiler->n_functions++] = function;
    return function;
}
