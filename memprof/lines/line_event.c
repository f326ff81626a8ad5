#include "memprof/lines/line_event.h"

#include <limits.h>

#include "memprof/lines/line_measures.h"

/* ---- frames ---- */

/* Where a frame goes on when it starts. */
#define NO_LINE INT_MIN

/* For functions that are given whether a frame is plain, without measures, as a constant: the fast
 * way and the slow way are one text. */
#define EITHER_WAY static inline __attribute__((always_inline))

/* The frame's line is left or paused: its measures are recorded, and frame->row is there. */
EITHER_WAY void record_measures(struct line_stack *stack, struct line_frame *frame, int64_t now,
                                int plain)
{
    if (frame->row == NULL)
        frame->row = line_frame_first_row(frame);
    if (!plain && frame->measures)
        line_measures_leave(stack, frame, now);
}

/* The frame's line is over. */
EITHER_WAY void record_line(struct line_stack *stack, struct line_frame *frame, int64_t now,
                            int plain)
{
    record_measures(stack, frame, now, plain);
    line_row_record(frame->row, frame->start, now);
}

/* The frame's line may go on: what is read now is no reading after it. */
EITHER_WAY void record_growth(struct line_stack *stack, struct line_frame *frame, int64_t now,
                              int plain)
{
    record_measures(stack, frame, now, plain);
    line_row_grow(frame->row, frame->start, now);
}

/* A deeper call of the same function is over, or begins: the line of entry `at` goes on. */
EITHER_WAY void begin_segment(struct line_stack *stack, int at, int64_t now, int plain)
{
    struct line_frame *frame = &stack->frames[at];

    frame->start = stack->opens[at].start = now;
    if (!plain && frame->measures)
        line_measures_go_on(frame);
}

/*
 * Ends the segment of a frame that was just taken off the stack, its last line recorded. That the
 * frame was plain would save nothing here: the one below can have measures all the same (when it
 * began, peaks were still read), and a table for each call is handed over here alone.
 */
static inline void end_segment(struct line_stack *stack, struct line_frame *frame,
                               enum line_leave how, int64_t now)
{
    struct line_table *table = frame->table;

    frame->function->top_by_slot[stack->slot] = frame->below;
    /* Only outermost calls are in the ledger: a deeper one is inside of them. */
    if (frame->below >= 0) {
        begin_segment(stack, frame->below, now, 0);
        return;
    }
    table->segments_bytes += now - frame->entry;
    table->outermost_bytes += frame->is_outermost ? now - frame->entry : 0;
    table->tool_bytes += frame->meter->tool_bytes - frame->entry_tool;
    if (frame->function->per_call)
        line_suspended_give(frame, how);
}

/* The same for a frame whose last line goes on until now. */
static void end_frame(struct line_stack *stack, struct line_frame *frame, enum line_leave how)
{
    int64_t now = meter_observe(frame->meter, frame->meter_thread);

    record_line(stack, frame, now, 0);
    end_segment(stack, frame, how, now);
}

static void pop_slow(struct line_stack *stack, enum line_leave how)
{
    struct line_frame *frame;

    line_stacks_settle(stack->engine);
    frame = &stack->frames[--stack->depth];
    stack->opens[stack->depth].table = NULL;
    end_frame(stack, frame, how);
    if (frame->measures && stack->depth > 0)
        line_measures_return(frame, frame - 1);
}

/* Takes a frame that is not slow off the stack; memory is `now`. */
static inline void pop_frame(struct line_stack *stack, enum line_leave how, int64_t now)
{
    struct line_frame *frame = &stack->frames[--stack->depth];

    stack->opens[stack->depth].table = NULL;
    record_line(stack, frame, now, 1);
    end_segment(stack, frame, how, now);
}

/* Ends the frame's part of the profilers that share it: all entries with the topmost key. */
static void pop_key(struct line_stack *stack, enum line_leave how)
{
    int shares_frame;

    do {
        shares_frame = stack->frames[stack->depth - 1].shares_frame;
        pop_slow(stack, how);
    } while (shares_frame && stack->depth > 0);
}

void line_stack_unwind(struct line_stack *stack, int depth)
{
    while (stack->depth > depth)
        pop_slow(stack, LINE_RETURN);
}

/* The index of the topmost entry of `key`, or -1. */
static int find_key(const struct line_stack *stack, const void *key)
{
    int at = stack->depth - 1;

    while (at >= 0 && stack->frames[at].key != key)
        at--;
    return at;
}

/*
 * Ends what stands above `key`: frames whose end was not reported (greenlets, a program that
 * switched events off). Returns whether `key` is on top now.
 */
static int resynchronise(struct line_stack *stack, const void *key)
{
    int at = find_key(stack, key);

    if (at < 0)
        return 0;
    while (stack->depth - 1 > at)
        pop_slow(stack, LINE_UNWIND);
    return 1;
}

/* What a frame of this code is told once, and what the next one at the same depth finds there. */
static void fill_frame(struct line_stack *stack, struct line_frame *frame,
                       const struct line_code *code, const struct line_watch *watch,
                       int shares_frame)
{
    struct line_function *function = watch->function;
    const struct line_profiler *profiler = function->profiler;
    const struct line_engine *engine = stack->engine;
    /* While anybody reads peaks every frame does: a reset of the HWM hides heights from others. */
    int measures = profiler->measures | (engine->peak != NULL ? LINE_PEAK : 0);

    frame->function = function;
    frame->first_line = function->first_line;
    frame->n_rows = function->n_rows;
    frame->meter = function->meter;
    frame->meter_thread = &stack->meter_threads[function->meter_index];
    frame->code = code;
    frame->is_top = watch->is_top;
    frame->first_at = (uint32_t)line_table_at(frame->first_line, frame->n_rows, code->first_line);
    frame->measures = (uint8_t)measures;
    frame->shares_frame = (uint8_t)shares_frame;
    frame->slow = shares_frame || profiler->limit != 0 || measures != 0;
    /* With several watches the next frame at this depth may be for another one: not reusable. */
    frame->generation =
        code->watches->next == NULL && profiler->only_frame == NULL ? engine->generation : 0;
}

/* Puts the next frame of the stack, filled, on top: memory is `now`, the line below is paused. */
static inline void put_on_top(struct line_stack *stack, struct line_frame *frame, const void *key,
                              int line, struct line_table *table, int below, int64_t now)
{
    struct line_open *open = &stack->opens[stack->depth];
    struct line_row *row = table->rows;

    frame->key = key;
    frame->table = table;
    /* Until the first line starts: what comes before is counted to that line. */
    frame->row = open->row = line == NO_LINE ? NULL : line_frame_row(frame, line);
    frame->below = below;
    frame->is_outermost = below < 0 && line_stack_is_outermost(stack);
    frame->start_observed = 0;
    frame->start = frame->entry = open->start = open->entry = now;
    /* Last: after a crash what has a table is whole. */
    __atomic_store_n(&open->table, table, __ATOMIC_RELEASE);
    frame->entry_tool = frame->meter->tool_bytes;
    frame->function->top_by_slot[stack->slot] = stack->depth++;
    /* The first entry alone adds the memory itself; so the increments add up to what is held. */
    if (!table->entered) {
        table->entered = 1;
        table->entry_bytes = now;
        row->increment += now;
        row->mem = now;
    }
    if (line != NO_LINE)
        return;
    if (frame->is_top) {
        row->hits++;
        if (now > row->mem)
            row->mem = now;
    } else {
        row = line_frame_first_row(frame);
        row->hits += row != table->rows;
    }
}

/*
 * The next frame of the stack begins, filled; `line` is where it goes on. It fills the table of the
 * call that it is deeper in, or one of its own. 0 without memory. Plain: without measures, and
 * without a table for each call.
 */
EITHER_WAY int begin_at(struct line_stack *stack, struct line_frame *frame, const void *key,
                        int line, int64_t now, int plain)
{
    struct line_function *function = frame->function;
    int below = function->top_by_slot[stack->slot];
    struct line_frame *caller = &stack->frames[below < 0 ? 0 : below];
    struct line_table *table = below < 0 ? function->table : caller->table;

    /* A new table can need memory, so it is there before anything of the call is counted; and not
     * every call is. */
    if (!plain && below < 0 && function->per_call) {
        table = line_suspended_take(frame, key, line != NO_LINE);
        if (table == NULL)
            return 0;
    }
    if (!plain && frame->measures)
        line_measures_enter(stack, frame, now);
    if (below >= 0) {
        record_growth(stack, caller, now, plain);
        stack->opens[below].row = caller->row; /* the first, where none had begun */
        begin_segment(stack, below, now, plain);
    }
    put_on_top(stack, frame, key, line, table, below, now);
    return 1;
}

__attribute__((noinline)) static int begin_slow(struct line_stack *stack, struct line_frame *frame,
                                                const void *key, int line)
{
    return begin_at(stack, frame, key, line, meter_observe(frame->meter, frame->meter_thread), 0);
}

__attribute__((noinline)) static int begin_reading(struct line_stack *stack,
                                                   struct line_frame *frame, const void *key,
                                                   int line, uint64_t gap)
{
    return begin_at(stack, frame, key, line, meter_read_now(frame->meter, frame->meter_thread, gap),
                    1);
}

/* begin_at() where memory is now. Whatever is unusual is done by functions that end it, so that no
 * register has to be kept across a call. */
static inline int begin_frame(struct line_stack *stack, struct line_frame *frame, const void *key,
                              int line)
{
    const struct line_function *function = frame->function;
    int below = function->top_by_slot[stack->slot];
    uint64_t gap;

    if (__builtin_expect(
            frame->measures || (below < 0 ? function->per_call : stack->frames[below].measures), 0))
        return begin_slow(stack, frame, key, line);
    if (!meter_skip(frame->meter, frame->meter_thread, &gap))
        return begin_reading(stack, frame, key, line, gap);
    return begin_at(stack, frame, key, line, frame->meter_thread->bytes, 1);
}

/* Pushes an entry for one profiler, if it counts. Returns how many that are: 0 or 1. */
static int push_watch(struct line_stack *stack, const struct line_watch *watch, const void *key,
                      int line, int shares_frame)
{
    if (!line_function_is_counting(watch->function) ||
        (watch->function->profiler->only_frame != NULL &&
         !line_stack_keeps_to(stack, watch, key)) ||
        (stack->depth == stack->capacity && line_stack_grow(stack) != 0) ||
        (stack->slot >= watch->function->n_slots_known &&
         line_function_grow_slots(watch->function, stack->slot) != 0))
        return 0;
    fill_frame(stack, &stack->frames[stack->depth], watch->code, watch, shares_frame);
    return begin_frame(stack, &stack->frames[stack->depth], key, line);
}

/* Pushes an entry for every profiler that counts; the last one pushed is on top. */
__attribute__((noinline)) static int
push_watches(struct line_stack *stack, const struct line_code *code, const void *key, int line)
{
    int pushed = 0;

    line_stacks_settle(stack->engine);
    for (const struct line_watch *watch = code->watches; watch != NULL; watch = watch->next)
        pushed += push_watch(stack, watch, key, line, pushed > 0);
    return pushed;
}

void line_event_join(struct line_stack *stack, const struct line_profiler *profiler)
{
    const struct line_frame *top;
    const struct line_watch *watch;
    int line;

    if (stack->depth == 0)
        return;
    top = &stack->frames[stack->depth - 1];
    watch = line_watch_find(top->code, profiler);
    if (watch == NULL)
        return;
    for (const struct line_frame *frame = top;; frame--) {
        if (frame->function->profiler == profiler)
            return;
        if (!frame->shares_frame)
            break;
    }
    line_stacks_settle(stack->engine);
    line = top->row == NULL ? top->code->first_line
                            : top->first_line + (int)(top->row - top->table->rows);
    push_watch(stack, watch, top->key, line, 1);
}

/* Pushes what counts `key`, which goes on at `line`; returns how many entries that are. */
static inline int push_key(struct line_stack *stack, const struct line_code *code, const void *key,
                           int line)
{
    struct line_frame *next = &stack->frames[stack->depth];

    /* What the last frame at this depth left is still true: it need not be told again. */
    if (stack->depth < stack->capacity && next->code == code &&
        next->generation == stack->engine->generation && next->generation != 0)
        return begin_frame(stack, next, key, line);
    return push_watches(stack, code, key, line);
}

/* ---- events ---- */

void line_event_start(struct line_stack *stack, const struct line_code *code, const void *key)
{
    if (line_stack_is_top(stack, key))
        pop_key(stack, LINE_UNWIND); /* an older frame at the same address */
    push_key(stack, code, key, NO_LINE);
}

void line_event_resume(struct line_stack *stack, const struct line_code *code, const void *key,
                       int line)
{
    if (line_stack_is_top(stack, key))
        pop_key(stack, LINE_UNWIND);
    push_key(stack, code, key, line);
}

void line_event_leave(struct line_stack *stack, const void *key, enum line_leave how)
{
    if (!line_stack_is_top(stack, key) && !resynchronise(stack, key))
        return;
    pop_key(stack, how);
}

void line_event_leave_top(struct line_stack *stack, enum line_leave how)
{
    struct line_frame *frame = &stack->frames[stack->depth - 1];
    uint64_t gap;

    if (frame->slow)
        pop_key(stack, how);
    else if (meter_skip(frame->meter, frame->meter_thread, &gap))
        pop_frame(stack, how, frame->meter_thread->bytes);
    else
        pop_frame(stack, how, meter_read_now(frame->meter, frame->meter_thread, gap));
}

void line_event_leave_inert(struct line_stack *stack, enum line_leave how, int line)
{
    struct line_frame *frame = &stack->frames[stack->depth - 1];

    /* Gate off: every event is read. Without an observed start there is nothing to reuse. */
    if (frame->slow || !frame->start_observed || frame->row != line_frame_row(frame, line) ||
        frame->meter->gate.ticks == 0)
        line_event_leave_top(stack, how);
    else
        pop_frame(stack, how, frame->meter_thread->bytes);
}

void line_frame_step_reading(struct line_frame *frame, struct line_open *open, struct line_row *row,
                             uint64_t gap)
{
    line_frame_step_at(frame, open, row, meter_read_now(frame->meter, frame->meter_thread, gap));
}

static void check_limit(struct line_frame *frame)
{
    struct line_profiler *profiler = frame->function->profiler;

    if (profiler->limit == 0 || frame->meter_thread->bytes <= profiler->limit)
        return;
    /* Before the call: the receiver may run code that gets here again. */
    profiler->limit = 0;
    profiler->over_limit(profiler, frame->key, frame->meter_thread->bytes);
}

/* line_frame_step() with measures. */
static void step_slow(struct line_stack *stack, struct line_frame *frame, struct line_open *open,
                      struct line_row *row)
{
    int64_t now;

    if (frame->row != NULL) {
        now = meter_observe(frame->meter, frame->meter_thread);
        record_line(stack, frame, now, 0);
        frame->start = open->start = now;
        if (frame->row == row)
            line_measures_go_on(frame); /* a jump back within the line: it has not been left */
        else
            line_measures_begin(frame, now);
    }
    frame->row = open->row = row;
    row->hits += row != frame->table->rows;
}

void line_event_line_slow(struct line_stack *stack, const struct line_code *code, const void *key,
                          int line)
{
    struct line_frame *frame;
    int at;

    line_stacks_settle(stack->engine);
    /* A frame that was running before its profiler was enabled: from here on. */
    if (!line_stack_is_top(stack, key) && !resynchronise(stack, key) &&
        push_key(stack, code, key, line) == 0)
        return;
    for (at = stack->depth - 1; at >= 0; at--) {
        frame = &stack->frames[at];
        if (frame->measures)
            step_slow(stack, frame, &stack->opens[at], line_frame_row(frame, line));
        else
            line_frame_step(frame, &stack->opens[at], line_frame_row(frame, line));
        check_limit(frame);
        if (!frame->shares_frame)
            break;
    }
}

/* Takes entry `at` out of the middle of the stack; the indices above move down by one. */
static void remove_entry(struct line_stack *stack, int at)
{
    struct line_frame *frame;

    /* The entry above loses its neighbour: it shares a frame only if the removed one did. */
    if (at + 1 < stack->depth && stack->frames[at + 1].shares_frame)
        stack->frames[at + 1].shares_frame = stack->frames[at].shares_frame;
    stack->depth--;
    for (int i = at; i < stack->depth; i++) {
        frame = &stack->frames[i];
        *frame = stack->frames[i + 1];
        stack->opens[i] = stack->opens[i + 1];
        if (frame->below > at)
            frame->below--;
        if (frame->function->top_by_slot[stack->slot] == i + 1)
            frame->function->top_by_slot[stack->slot] = i;
    }
    stack->opens[stack->depth].table = NULL;
}

static void drop_entry(struct line_stack *stack, int at)
{
    struct line_frame frame = stack->frames[at];

    /* Out of the stack first: end_frame() works on a copy, whose place is overwritten. */
    remove_entry(stack, at);
    frame.shares_frame = 0; /* no longer in the stack: nothing lies beneath this copy */
    end_frame(stack, &frame, LINE_UNWIND);
    if (frame.measures && at > 0)
        line_measures_return(&frame, &stack->frames[at - 1]);
}

/* Both go from the top down, so that of one function's frames the deeper is ended first. */

void line_stack_drop(struct line_stack *stack, const struct line_profiler *profiler)
{
    for (int at = stack->depth - 1; at >= 0; at--)
        if (stack->frames[at].function->profiler == profiler)
            drop_entry(stack, at);
}

void line_stack_drop_code(struct line_stack *stack, const struct line_code *code)
{
    for (int at = stack->depth - 1; at >= 0; at--)
        if (stack->frames[at].code == code)
            drop_entry(stack, at);
}
