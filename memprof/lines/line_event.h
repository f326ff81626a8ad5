/*
 * Turns events of watched code (start, line, leave, resume) into rows of tables. Knows no Python: a
 * tracer feeds it, and code and frames are opaque addresses. What is inline here is the hot path.
 *
 * Not thread-safe: callers hold the interpreter's lock around every call. Memory is in bytes.
 */
#ifndef MEMPROF_LINE_EVENT_H
#define MEMPROF_LINE_EVENT_H

#include "memprof/lines/line_stack.h"
#include "memprof/lines/line_suspended.h"

/* Events. `key` is the interpreter's frame, `line` the line it stands on. */
void line_event_start(struct line_stack *stack, const struct line_code *code, const void *key);
void line_event_resume(struct line_stack *stack, const struct line_code *code, const void *key,
                       int line);
void line_event_leave(struct line_stack *stack, const void *key, enum line_leave how);

/* The same for the frame that is known to be on top. */
void line_event_leave_top(struct line_stack *stack, enum line_leave how);

/*
 * As line_event_leave_top(), for an exit before which `line` could not allocate: if the start of
 * the line was the previous event, memory is reused without a reading.
 */
void line_event_leave_inert(struct line_stack *stack, enum line_leave how, int line);

/* The rest of line_event_line(): frames that were not on top, several profilers, limits. */
void line_event_line_slow(struct line_stack *stack, const struct line_code *code, const void *key,
                          int line);

/*
 * A profiler counts from now on: where the topmost frame is of code that it watches, and others
 * count that frame already, it takes part. Frames that nobody counts it finds at their next line.
 */
void line_event_join(struct line_stack *stack, const struct line_profiler *profiler);

/* Ends, with a reading of now, all frames of a profiler that stops counting, or of a code. */
void line_stack_drop(struct line_stack *stack, const struct line_profiler *profiler);
void line_stack_drop_code(struct line_stack *stack, const struct line_code *code);

/* Ends, as if they returned now, the frames above `depth`: somebody took their events away. */
void line_stack_unwind(struct line_stack *stack, int depth);

/* Memory is `now`: leaves the line that ran in this frame, and starts another. `open`: the frame's.
 */
static inline void line_frame_step_at(struct line_frame *frame, struct line_open *open,
                                      struct line_row *row, int64_t now)
{
    line_row_record(frame->row, frame->start, now);
    frame->start = open->start = now;
    frame->start_observed = 1;
    frame->row = open->row = row;
    row->hits += row != frame->table->rows; /* row 0 counts entries */
}

/* The same where memory has to be read, `gap` ticks after the event before. */
void line_frame_step_reading(struct line_frame *frame, struct line_open *open, struct line_row *row,
                             uint64_t gap);

/* Leaves the line that ran in this frame, and starts another; without measures. */
static inline void line_frame_step(struct line_frame *frame, struct line_open *open,
                                   struct line_row *row)
{
    uint64_t gap;

    if (__builtin_expect(frame->row == NULL, 0)) {
        /* What came between the entry and the first line belongs to that line: no reading is due.
         */
        frame->row = open->row = row;
        row->hits += row != frame->table->rows;
    } else if (meter_skip(frame->meter, frame->meter_thread, &gap)) {
        line_frame_step_at(frame, open, row, frame->meter_thread->bytes);
    } else {
        line_frame_step_reading(frame, open, row, gap);
    }
}

/* A line starts in the topmost frame: the hot path. */
static inline void line_event_line(struct line_stack *stack, int line)
{
    struct line_frame *frame = &stack->frames[stack->depth - 1];
    struct line_open *open = &stack->opens[stack->depth - 1];

    if (__builtin_expect(frame->slow, 0))
        line_event_line_slow(stack, frame->code, frame->key, line);
    else
        line_frame_step(frame, open, line_frame_row(frame, line));
}

#endif
