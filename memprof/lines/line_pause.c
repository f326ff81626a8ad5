#include "memprof/lines/line_pause.h"

#include "memprof/lines/line_measures.h"

/* Memory and time now, by each meter that frames of the stack read. */
static void read_now(struct line_stack *stack, struct line_pause *now)
{
    bool is_read[LINE_MAX_METERS] = {false};

    line_stacks_settle(stack->engine);
    for (int i = 0; i < stack->depth; i++) {
        struct line_frame *frame = &stack->frames[i];
        int at = frame->function->meter_index;

        if (is_read[at])
            continue;
        is_read[at] = true;
        now[at].bytes = meter_observe(frame->meter, frame->meter_thread);
        now[at].tool_bytes = frame->meter->tool_bytes;
        now[at].ticks = frame->meter_thread->last_event;
    }
}

/* Of the meter that the frame on top reads. */
static int64_t bytes_on_top(const struct line_stack *stack, const struct line_pause *now)
{
    return now[stack->frames[stack->depth - 1].function->meter_index].bytes;
}

void line_stack_pause(struct line_stack *stack)
{
    if (stack->depth == 0)
        return;
    read_now(stack, stack->pauses);
    line_measures_pause(stack, bytes_on_top(stack, stack->pauses));
    stack->is_paused = 1;
}

/* As if the frame had begun, and its line too, with what memory has changed since. */
static void shift(struct line_frame *frame, struct line_open *open, const struct line_pause *before,
                  const struct line_pause *now)
{
    int64_t bytes = now->bytes - before->bytes;

    frame->start += bytes;
    frame->entry += bytes;
    open->start += bytes;
    open->entry += bytes;
    frame->entry_tool += now->tool_bytes - before->tool_bytes;
    frame->origin += bytes;
    frame->high += bytes;
    frame->call_high += bytes;
    frame->since += now->ticks - before->ticks;
    frame->start_observed = 0;
}

void line_stack_go_on(struct line_stack *stack)
{
    struct line_pause now[LINE_MAX_METERS];

    stack->is_paused = 0;
    if (stack->depth == 0)
        return; /* its frames were ended meanwhile */
    read_now(stack, now);
    line_measures_wait_over(stack, bytes_on_top(stack, now));
    for (int i = 0; i < stack->depth; i++) {
        int at = stack->frames[i].function->meter_index;

        shift(&stack->frames[i], &stack->opens[i], &stack->pauses[at], &now[at]);
    }
}
