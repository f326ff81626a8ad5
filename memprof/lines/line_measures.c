#include "memprof/lines/line_measures.h"

#include "memprof/machine/peak_meter.h"

static void raise_high(struct line_frame *frame, int64_t high)
{
    if (high > frame->high)
        frame->high = high;
}

/* The HWM is about to begin anew: what runs in other threads has seen this height as well. */
static void tell_other_threads(struct line_engine *engine, const struct line_stack *own,
                               int64_t high)
{
    for (struct line_stack *stack = engine->stacks; stack != NULL; stack = stack->next)
        if (stack != own && stack->depth > 0 && !stack->is_paused)
            raise_high(&stack->frames[stack->depth - 1], high);
}

/* Where memory was read, the HWM is read too. `frame` is the one whose line ran until now. */
static void take_peak(struct line_stack *stack, struct line_frame *frame, struct meter *meter,
                      struct meter_thread *thread, int64_t now)
{
    struct line_engine *engine = stack->engine;
    int64_t high;

    /* Where the event was skipped memory cannot have changed, so there was no peak either. */
    if (engine->peak == NULL || !meter_has_read(thread))
        return;
    /* The kernel knows nothing of tool_bytes: they are added for it and taken out again. */
    high = peak_meter_take(engine->peak, now + meter->tool_bytes) - meter->tool_bytes;
    meter_saw(meter, high, frame != NULL ? METER_SINCE : METER_OUTSIDE);
    if (frame != NULL) {
        raise_high(frame, high);
        for (; frame->shares_frame; frame--)
            raise_high(frame - 1, high);
    }
    tell_other_threads(engine, stack, high);
    /* Reading the HWM took time, which is no time of the program. */
    meter_rest(thread);
}

void line_measures_enter(struct line_stack *stack, struct line_frame *frame, int64_t now)
{
    struct line_frame *caller = stack->depth > 0 ? &stack->frames[stack->depth - 1] : NULL;

    if (frame->measures & LINE_PEAK)
        take_peak(stack, caller, frame->meter, frame->meter_thread, now);
    frame->call_high = now;
    line_measures_begin(frame, now);
}

void line_measures_leave(struct line_stack *stack, struct line_frame *frame, int64_t now)
{
    struct line_row *row = frame->row;
    uint64_t arrived = meter_arrival(frame->meter_thread);

    if (frame->measures & LINE_PEAK)
        take_peak(stack, frame, frame->meter, frame->meter_thread, now);
    row->ticks += arrived - frame->since;
    raise_high(frame, now);
    if (frame->high - frame->origin > row->peak)
        row->peak = frame->high - frame->origin;
    if (frame->high > frame->call_high)
        frame->call_high = frame->high;
}

void line_measures_pause(struct line_stack *stack, int64_t now)
{
    struct line_frame *frame = &stack->frames[stack->depth - 1];

    if (frame->measures & LINE_PEAK)
        take_peak(stack, frame, frame->meter, frame->meter_thread, now);
}

void line_measures_wait_over(struct line_stack *stack, int64_t now)
{
    const struct line_frame *frame = &stack->frames[stack->depth - 1];

    /* What the HWM says until now is of those that ran meanwhile. */
    if (frame->measures & LINE_PEAK)
        take_peak(stack, NULL, frame->meter, frame->meter_thread, now);
}
