#include "memprof/lines/line_profiler.h"

#include <string.h>

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
