#include "memprof/lines/line_engine.h"

void line_engine_set_peak(struct line_engine *engine, struct peak_meter *peak)
{
    engine->peak = peak;
    line_engine_changed(engine);
}

void line_engine_begin_work(struct line_engine *engine, struct line_work *work)
{
    work->n_meters = engine->n_meters;
    for (int i = 0; i < work->n_meters; i++)
        work->before[i] = meter_tool_begin(engine->meters[i]);
}

void line_engine_end_work(struct line_engine *engine, const struct line_work *work, size_t most)
{
    for (int i = 0; i < work->n_meters; i++)
        meter_tool_end(engine->meters[i], work->before[i], most);
}
