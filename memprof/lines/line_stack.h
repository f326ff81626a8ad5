/* The watched frames that run in one thread now. */
#ifndef MEMPROF_LINE_STACK_H
#define MEMPROF_LINE_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/lines/line_open.h"
#include "memprof/lines/line_watch.h"

/*
 * A watched frame that is running. A frame with several profilers has one for each. What a line
 * event needs comes first, one line of the processor's cache; what a call needs fits into the next.
 */
struct line_frame {
    const void *key;      /* address of the interpreter's frame */
    struct line_row *row; /* the line that runs; NULL before the first */
    int64_t start;        /* memory when that line, or its present segment, started */
    struct line_table *table;
    struct meter *meter;
    struct meter_thread *meter_thread;
    const struct line_code *code;
    int below;            /* index of the same function's frame below in this thread, or -1 */
    uint8_t shares_frame; /* the frame beneath in the stack is the same one, for another profiler */
    uint8_t slow;         /* shares_frame, a limit, or measures: line_event_line_slow() */
    uint8_t start_observed; /* the start of the line that runs was observed */
    uint8_t measures;       /* of enum line_measure */
    int first_line, n_rows; /* of the table: what that says itself may be lost */
    int64_t entry;          /* memory when the segment started */
    int64_t entry_tool;     /* the meter's tool_bytes then */
    struct line_function *function;
    uint32_t generation; /* the engine's when all but the numbers was filled in; 0: not reusable */
    uint16_t is_top;     /* line_watch.is_top */
    uint16_t is_outermost; /* no function that is always counted is beneath in the thread */
    uint32_t first_at;     /* the place in the table of the code's first line */
    uint64_t since;        /* with measures: ticks when the line, or its present segment, started */
    int64_t origin;        /* with measures: memory when the line started, or was resumed */
    int64_t high;          /* with measures: the most memory seen since then, calls included */
    int64_t call_high;     /* with measures: the same of all lines of this segment before */
};

/* What a meter said when a stack's frames began to wait (line_pause.h). */
struct line_pause {
    int64_t bytes, tool_bytes;
    uint64_t ticks;
};

/* The watched frames of one thread. */
struct line_stack {
    struct line_stack *next; /* of the engine's stacks */
    struct line_engine *engine;
    int depth, capacity;
    int slot;                  /* small number of the thread */
    struct line_frame *frames; /* owned */
    struct line_open *opens;   /* what each says of itself; owned, or in the engine's box */
    uint64_t thread;           /* the system's number, 0: not told */
    struct meter_thread meter_threads[LINE_MAX_METERS];
    struct line_pause pauses[LINE_MAX_METERS];
    int is_paused;
};

/*
 * Whether a call that begins is made by no function that a run saves: what is counted now and then,
 * or call by call, is in no run.
 */
static inline bool line_stack_is_outermost(const struct line_stack *stack)
{
    int at = stack->depth - 1;

    while (at >= 0 &&
           (!stack->frames[at].function->always_on || stack->frames[at].function->per_call))
        at--;
    return at < 0;
}

/* A thread's stack, with memory for `capacity` frames touched. */
int line_stack_init(struct line_stack *stack, struct line_engine *engine, int capacity);
void line_stack_release(struct line_stack *stack);

/* Forgets the frames of a thread that is gone: nobody saw them end. */
void line_stack_clear(struct line_stack *stack);

/* The stack is that of another thread from now on, with the system's number. */
void line_stack_tell_thread(struct line_stack *stack, uint64_t thread);

/*
 * Some of what tables had in the engine's box is gone, so that no ledger would balance: with the
 * next event all counting begins anew. May be called by a signal handler.
 */
void line_stacks_lose(struct line_engine *engine);
void line_stacks_begin_anew(struct line_engine *engine);

/* To be called by events of frames that are slow or not reusable: after a loss all are. */
static inline void line_stacks_settle(struct line_engine *engine)
{
    if (__builtin_expect(engine->is_lost, 0))
        line_stacks_begin_anew(engine);
}

/* Room for twice as many frames. 0 or -ENOMEM. */
int line_stack_grow(struct line_stack *stack);

/* Room among a function's tops for the stack with this number. 0 or -ENOMEM. */
int line_function_grow_slots(struct line_function *function, int slot);

/* What calls that run now have recorded so far, in bytes: growth up to the lines that were left. */
int64_t line_function_open_bytes(const struct line_function *function);

/* Of these, what calls add that no other counted function has made. */
int64_t line_function_open_outermost_bytes(const struct line_function *function);

/*
 * Whether a profiler that keeps to one frame counts `key`. Code nested in that frame's is its own
 * unless a frame of the same code began since: recursion, in a block of its own.
 */
bool line_stack_keeps_to(const struct line_stack *stack, const struct line_watch *watch,
                         const void *key);

/* The row of a line in the frame's table. */
static inline struct line_row *line_frame_row(const struct line_frame *frame, int line)
{
    return &frame->table->rows[line_table_at(frame->first_line, frame->n_rows, line)];
}

/* That of its code's first line. */
static inline struct line_row *line_frame_first_row(const struct line_frame *frame)
{
    return &frame->table->rows[frame->first_at];
}

/* Whether `key` is the frame on top: then line_event_line() needs no code. */
static inline bool line_stack_is_top(const struct line_stack *stack, const void *key)
{
    return stack->depth > 0 && stack->frames[stack->depth - 1].key == key;
}

#endif
