#include "memprof/lines/line_watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

int line_watch_add(struct line_function *function, struct line_code *code, bool is_top)
{
    struct line_watch *watch = malloc(sizeof *watch);

    if (watch == NULL)
        return -ENOMEM;
    watch->function = function;
    watch->is_top = is_top;
    watch->code = code;
    watch->next = code->watches;
    code->watches = watch;
    watch->next_of_function = function->watches;
    /* What points here is kept: a watch leaves this list without a search. */
    watch->back_of_function = &function->watches;
    if (function->watches != NULL)
        function->watches->back_of_function = &watch->next_of_function;
    function->watches = watch;
    line_engine_changed(function->profiler->engine);
    return 0;
}

void line_watch_take_out(struct line_watch *watch)
{
    const struct line_profiler *profiler = watch->function->profiler;
    struct line_code *code = watch->code;
    struct line_watch **at = &code->watches;

    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    *watch->back_of_function = watch->next_of_function;
    if (watch->next_of_function != NULL)
        watch->next_of_function->back_of_function = watch->back_of_function;
    /* Before the watch is freed: frames that were filled from it must not be used again. */
    line_engine_changed(profiler->engine);
    free(watch);
    /* After the lists are whole again: the receiver may look at the code. */
    if (code->watches == NULL && profiler->unwatched != NULL)
        profiler->unwatched(code);
}

struct line_watch *line_watch_find(const struct line_code *code,
                                   const struct line_profiler *profiler)
{
    struct line_watch *watch = code->watches;

    while (watch != NULL && watch->function->profiler != profiler)
        watch = watch->next;
    return watch;
}
