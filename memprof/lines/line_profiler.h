/*
 * The machine behind the tables: calls, lines, yields and unwinding of watched code, turned into
 * rows. It knows no Python: a tracer feeds it events, with code and frames as opaque addresses.
 *
 *   line_code      one code object; a list of watches
 *   line_watch     one code object as seen by one profiler
 *   line_function  one decorated function of one profiler, nested code included
 *   line_profiler  whose functions are counted, with which meter, and what happens at the end
 *   line_stack     the watched frames that run in one thread now
 *
 * Not thread-safe: callers hold the interpreter's lock around every call. Memory is in bytes.
 */
#ifndef MEMPROF_LINE_PROFILER_H
#define MEMPROF_LINE_PROFILER_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/lines/line_table.h"
#include "memprof/machine/meter.h"

#define LINE_MAX_METERS 10

struct line_function;
struct line_profiler;
struct peak_meter;
struct span_watch; /* the tracer's: who marks the calls of a code in time */
struct line_machine;

/*
 * One code object as one profiler sees it. It stands in two lists, so that either side may go first
 * and finds the other without asking anybody: code dies when the program forgets it, and what holds
 * profilers may be taken apart by a collector in any order.
 */
struct line_watch {
    struct line_watch *next; /* of the same code */
    struct line_watch *next_of_function, **back_of_function;
    struct line_code *code;
    struct line_function *function;
    int is_top; /* the function's own code, not code nested in it */
};

/* Hung onto a code object by the tracer. */
struct line_code {
    struct line_watch *watches;
    int first_line;
    int resumable; /* a generator, coroutine or async generator */
    int start;     /* the tracer's: the instruction at which a resumable one starts */
    int traced;    /* the tracer's: which of its events are sent */
    struct span_watch *spans;
    int n_lines;                  /* entries of lines */
    const int *lines;             /* line of each instruction, 0: none; owned by the tracer */
    const unsigned char *opcodes; /* of each instruction, where the tracer needs them; its own */
    unsigned char *quiet_exits;   /* of each instruction: line_event_leave_quietly() may be used */
};

/* What a profiler can measure beside memory: see line_columns.h. */
enum line_column {
    LINE_TIME = 1,
    LINE_PEAK = 2,
};

/*
 * A watched frame that is running. A frame with several profilers has one for each. What an event
 * needs comes first: one line of the processor's cache.
 */
struct line_frame {
    const void *key;      /* address of the interpreter's frame */
    struct line_row *row; /* the line that runs; NULL before the first */
    int64_t start;        /* memory when that line, or its present segment, started */
    struct line_table *table;
    struct meter *meter;
    struct meter_thread *meter_thread;
    const struct line_code *code;
    int below;          /* index of the same function's frame below in this thread, or -1 */
    uint8_t peer;       /* the frame beneath in the stack is the same one, for another profiler */
    uint8_t slow;       /* peer, a limit to watch, or columns: line_event_line_slow() */
    uint8_t stepped;    /* the start of the line that runs was observed */
    uint8_t columns;    /* of enum line_column */
    int64_t entry;      /* memory when the segment started */
    int64_t entry_tool; /* the meter's tool_bytes then */
    struct line_function *function;
    uint64_t since;      /* with columns: ticks when the line, or its present segment, started */
    int64_t origin;      /* with columns: memory when the line started, or was resumed */
    int64_t high;        /* with columns: the most memory seen since then, calls included */
    int64_t call_high;   /* with columns: the same of all lines of this segment before */
    uint32_t generation; /* the machine's when all but the numbers was filled in; 0: not reusable */
    uint32_t is_top;     /* line_watch.is_top */
};

/* The watched frames of one thread. */
struct line_stack {
    struct line_stack *next; /* of the machine's stacks */
    struct line_machine *machine;
    int depth, capacity;
    int slot; /* small number of the thread */
    struct line_frame *frames;
    struct meter_thread meter_threads[LINE_MAX_METERS];
};

/* One decorated function. */
struct line_function {
    struct line_profiler *profiler;
    struct line_watch *watches; /* of its own code and of that nested in it */
    void *owner;                /* the receiver's own */
    struct line_table *table;   /* per function; with per_call, the one that is free, or NULL */
    struct meter *meter;        /* the profiler's, and its place among a thread's */
    int meter_index;
    int first_line, n_rows;
    int per_call;  /* a table for each outermost call, handed to profiler->finished */
    int always_on; /* counts even while the profiler is not enabled */
    int *tops;     /* by slot: index of the topmost frame in that thread, or -1 */
    int n_tops;
    void *suspended; /* per_call: tree of suspended frames and their tables */
    int index;       /* place among the profiler's functions; with per_call it may change */
};

enum line_leave {
    LINE_RETURN,
    LINE_UNWIND,
    LINE_YIELD,
};

struct line_profiler {
    struct line_machine *machine;
    struct line_function **functions; /* in order of decoration */
    int n_functions, capacity;
    int meter;       /* index into machine->meters */
    uint8_t columns; /* of enum line_column; to be set before functions are watched */
    int enabled;     /* how many times enabled */
    void *owner;     /* the receiver's own */
    /* A per_call table is complete; the receiver reads it, the machine then clears and keeps it. */
    void (*finished)(struct line_function *function, struct line_table *table);
    /* A function is about to be freed; this was the last watch of a code. NULL: no need to know. */
    void (*forgotten)(struct line_function *function);
    void (*unwatched)(struct line_code *code);
    /* Its last function went with the code; the profiler is not touched after this. */
    void (*emptied)(struct line_profiler *profiler);
    /* When memory passes `limit` bytes at a line's start (0: never). Called once per passing. */
    int64_t limit;
    void (*over_limit)(struct line_profiler *profiler, const void *key, int64_t bytes);
};

/* All that is shared: the meters, and the threads' stacks. */
struct line_machine {
    struct meter *meters[LINE_MAX_METERS];
    int n_meters;
    int n_slots;
    struct line_stack *stacks;
    struct peak_meter *peak; /* NULL while no profiler has LINE_PEAK: then every frame reads it */
    uint32_t generation;     /* counts what line_machine_changed() was told of; 0 after 2^32 - 1 */
};

/*
 * Who counts which code, or how, has changed. Until the next change an event may trust what the
 * latest frame of a code at the same depth was told.
 */
static inline void line_machine_changed(struct line_machine *machine)
{
    machine->generation++;
}

/* Peaks are read with every line from now on, or no more (NULL). */
void line_machine_set_peak(struct line_machine *machine, struct peak_meter *peak);

/*
 * Watching. Functions that return int return 0 or -ENOMEM. A per_call function is freed with the
 * last code it watches, any other with its profiler.
 */
void line_profiler_init(struct line_profiler *profiler, struct line_machine *machine, int meter);
void line_profiler_clear(struct line_profiler *profiler);
void line_profiler_enable(struct line_profiler *profiler);
void line_profiler_disable(struct line_profiler *profiler);
struct line_function *line_function_new(struct line_profiler *profiler, int first_line, int n_rows,
                                        int per_call);
int line_function_watch(struct line_function *function, struct line_code *code, int is_top);
void line_watch_remove(struct line_watch *watch);

/* The code is gone: nobody watches it, and frames of it whose end was not seen end now. */
void line_code_forget(struct line_code *code);
struct line_watch *line_code_watch_of(const struct line_code *code,
                                      const struct line_profiler *profiler);

/* A reading of every meter before work of the tool's own. */
struct line_work {
    int n_meters;
    int64_t before[LINE_MAX_METERS];
};

/*
 * Brackets memory that the tool needs for itself (arrays that grow, the text of a table): end takes
 * what was grown out of all numbers; `most` is what was asked for, in bytes. Nothing in between may
 * let go of the lock: what others allocate meanwhile is not the tool's.
 */
void line_machine_begin_work(struct line_machine *machine, struct line_work *work);
void line_machine_end_work(struct line_machine *machine, const struct line_work *work, size_t most);

/* What calls that run now have recorded so far, in bytes: growth up to the lines that were left. */
int64_t line_function_open_bytes(const struct line_function *function);

/* per_call: hands over the tables of frames that were suspended and never ended visibly. */
void line_function_flush(struct line_function *function);

/* Whether anybody counts this function, or code, now. */
static inline int line_function_is_counting(const struct line_function *function)
{
    return function->always_on || function->profiler->enabled > 0;
}

static inline int line_code_is_counting(const struct line_code *code)
{
    const struct line_watch *watch = code->watches;

    while (watch != NULL && !line_function_is_counting(watch->function))
        watch = watch->next;
    return watch != NULL;
}

/* A thread's stack, with memory for `capacity` frames touched. */
int line_stack_init(struct line_stack *stack, struct line_machine *machine, int capacity);
void line_stack_release(struct line_stack *stack);

/* Forgets the frames of a thread that is gone: nobody saw them end. */
void line_stack_clear(struct line_stack *stack);

/* Ends, with a reading of now, all frames of a profiler that stops counting, or of a code. */
void line_stack_drop(struct line_stack *stack, const struct line_profiler *profiler);
void line_stack_drop_code(struct line_stack *stack, const struct line_code *code);

/* Ends, as if they returned now, the frames above `depth`: somebody took their events away. */
void line_stack_unwind(struct line_stack *stack, int depth);

/* Events. `key` is the interpreter's frame, `line` the line it stands on. */
void line_event_start(struct line_stack *stack, const struct line_code *code, const void *key);
void line_event_resume(struct line_stack *stack, const struct line_code *code, const void *key,
                       int line);
void line_event_leave(struct line_stack *stack, const void *key, enum line_leave how);

/* The same for the frame that is known to be on top. */
void line_event_leave_top(struct line_stack *stack, enum line_leave how);

/* Likewise, from `line`, which cannot have changed memory if its start was the event before. */
void line_event_leave_quietly(struct line_stack *stack, enum line_leave how, int line);

/* The rest of line_event_line(): frames that were not on top, several profilers, limits. */
void line_event_line_slow(struct line_stack *stack, const struct line_code *code, const void *key,
                          int line);

/* Whether `key` is the frame on top: then line_event_line() needs no code. */
static inline int line_stack_is_top(const struct line_stack *stack, const void *key)
{
    return stack->depth > 0 && stack->frames[stack->depth - 1].key == key;
}

/* Memory is `now`: leaves the line that ran in this frame, and starts another. */
static inline void line_frame_step_at(struct line_frame *frame, struct line_row *row, int64_t now)
{
    line_row_record(frame->row, frame->start, now);
    frame->start = now;
    frame->stepped = 1;
    frame->row = row;
    row->hits += row != frame->table->rows; /* row 0 counts entries */
}

/* The same where memory has to be read, `gap` ticks after the event before. */
void line_frame_step_reading(struct line_frame *frame, struct line_row *row, uint64_t gap);

/* Leaves the line that ran in this frame, and starts another; without columns. */
static inline void line_frame_step(struct line_frame *frame, struct line_row *row)
{
    uint64_t gap;

    if (__builtin_expect(frame->row == NULL, 0)) {
        /* What came between the entry and the first line belongs to that line: no reading is due.
         */
        frame->row = row;
        row->hits += row != frame->table->rows;
    } else if (meter_is_unchanged(frame->meter, frame->meter_thread, &gap)) {
        line_frame_step_at(frame, row, frame->meter_thread->bytes);
    } else {
        line_frame_step_reading(frame, row, gap);
    }
}

/* A line starts in the topmost frame: the hot path. */
static inline void line_event_line(struct line_stack *stack, int line)
{
    struct line_frame *frame = &stack->frames[stack->depth - 1];

    if (__builtin_expect(frame->slow, 0))
        line_event_line_slow(stack, frame->code, frame->key, line);
    else
        line_frame_step(frame, line_table_row(frame->table, line));
}

#endif
