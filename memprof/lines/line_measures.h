/*
 * The measures beside memory: how long a line ran, and the most memory above its start that the
 * process held while it ran. They are measured in the slow half of an event, for profilers that
 * asked (line_profiler.measures).
 *
 * Time runs from when an event has been dealt with until the next one comes, so that readings are
 * not in it. Like memory it is inclusive, except that what a deeper call of the same function took
 * stands on the deeper call's lines, and a suspended frame's time is not its own.
 *
 * A peak is taken where memory is read; a line too short for a reading cannot have had one. It
 * includes all calls that the line made, and what other threads did meanwhile.
 */
#ifndef MEMPROF_LINE_MEASURES_H
#define MEMPROF_LINE_MEASURES_H

#include "memprof/lines/line_stack.h"

/* `frame` is pushed next, and was observed to begin with `now` bytes. */
void line_measures_enter(struct line_stack *stack, struct line_frame *frame, int64_t now);

/* The frame's line, or segment of a line, was observed to end with `now` bytes. */
void line_measures_leave(struct line_stack *stack, struct line_frame *frame, int64_t now);

/* The frame on top of the stack waits from now on, or goes on: with `now` bytes. */
void line_measures_pause(struct line_stack *stack, int64_t now);
void line_measures_wait_over(struct line_stack *stack, int64_t now);

/* The same line goes on: just after line_measures_leave(). */
static inline void line_measures_go_on(struct line_frame *frame)
{
    frame->since = frame->meter_thread->last_event;
}

/* Another line begins: just after one of the first two. */
static inline void line_measures_begin(struct line_frame *frame, int64_t now)
{
    line_measures_go_on(frame);
    frame->origin = frame->high = now;
}

/* The frame has ended; the line that called it stands in `caller`. */
static inline void line_measures_return(const struct line_frame *frame, struct line_frame *caller)
{
    if (frame->call_high > caller->high)
        caller->high = frame->call_high;
}

#endif
