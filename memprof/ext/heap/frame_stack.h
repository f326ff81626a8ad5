/*
 * Which stack of Python runs, as a node of the log's tree: what was known of the thread's stack at
 * the event before is verified, frame by frame down to the root, and only what differs is looked
 * up. Nothing happens when Python calls or returns, so code that allocates nothing pays nothing.
 *
 * Code of the profiler itself is left out of stacks, and what it allocates belongs to none.
 *
 * It is exact: a node is a sequence of instructions, whichever frames hold them; and no frame is
 * read but what a living one has led to.
 */
#ifndef MEMPROF_EXT_FRAME_STACK_H
#define MEMPROF_EXT_FRAME_STACK_H

#include "memprof/ext/heap/code_registry.h"
#include "memprof/ext/heap/frame_walk.h"
#include "memprof/heap/alloc_log.h"

#define FRAME_STACK_MEMO_BITS 8
#define FRAME_STACK_OURS                                                                           \
    (UINT32_C(1) << 31) /* in a node: what runs is the profiler's, called by this node */

/* A frame that ran at the last event. */
struct known_frame {
    const frame_walk *frame;
    uintptr_t instruction;
    uint32_t node;
};

/* Two instructions in one loop that allocate in turns need not go to the tree each time. */
struct frame_memo {
    uintptr_t instruction;
    uint32_t caller, node;
};

/* Of a thread. */
struct frame_stack {
    struct known_frame *frames; /* the outermost first; below it is one without a frame. Owned */
    uint32_t n, capacity;
    uint32_t generation;
    struct frame_memo memo[1 << FRAME_STACK_MEMO_BITS];
};

/* Raised when what threads know means nothing any more. */
extern _Atomic(uint32_t) frame_stack_generation;

static inline struct frame_memo *frame_stack_memo(struct frame_stack *stack, uint32_t caller,
                                                  uintptr_t instruction)
{
    uint64_t hash = (instruction ^ (uint64_t)caller << 20) * UINT64_C(0x9E3779B97F4A7C15);

    return &stack->memo[hash >> (64 - FRAME_STACK_MEMO_BITS)];
}

/*
 * frame_stack_node() where the frames are those of the event before and all but the innermost are
 * at their instructions of then; else ALLOC_NONE, and nothing has happened.
 */
static inline uint32_t frame_stack_node_near(struct alloc_thread *thread,
                                             const PyThreadState *state)
{
    struct frame_stack *stack = thread->stack;
    const frame_walk *top = frame_walk_top(state), *frame = top;
    struct known_frame *known, *innermost;
    struct frame_memo *memo;
    uintptr_t instruction;

    if (stack == NULL || top == NULL ||
        stack->generation != atomic_load_explicit(&frame_stack_generation, memory_order_relaxed))
        return ALLOC_NONE;
    innermost = known = stack->frames + stack->n - 1;
    if (known->frame != top)
        return ALLOC_NONE;
    while ((frame = frame_walk_caller(frame)) != NULL) {
        known--;
        if (known->frame != frame || known->instruction != frame_walk_instruction(frame))
            return ALLOC_NONE;
    }
    if (known != stack->frames)
        return ALLOC_NONE;
    instruction = frame_walk_instruction(top);
    if (innermost->instruction != instruction) {
        memo = frame_stack_memo(stack, innermost[-1].node, instruction);
        if (memo->instruction != instruction || memo->caller != innermost[-1].node)
            return ALLOC_NONE;
        innermost->instruction = instruction;
        innermost->node = memo->node;
    }
    return innermost->node & FRAME_STACK_OURS ? ALLOC_NONE : innermost->node;
}

/* The node of what a thread runs; ALLOC_PYTHON where that is no Python code, ALLOC_NONE where it is
 * the profiler's. `holds`: it has entered the log; else the log is locked where it has to be.
 * ALLOC_NO_PYTHON without memory. */
uint32_t frame_stack_node(struct alloc_log *log, struct alloc_thread *thread,
                          const PyThreadState *state, bool holds);

#define FRAME_STACK_THREADS 64 /* beside the main one that are told apart */

/*
 * Whether stacks of threads are apart, below a node for each whose offset is its number: 1 is the
 * main thread, FRAME_STACK_THREADS + 2 all that come too late. Before the log starts.
 */
void frame_stack_part_threads(bool parts);

/* What threads know means nothing any more: the log begins anew, or code has died. */
void frame_stack_forget(void);

/* The codes on the stacks of the log. */
extern struct code_registry frame_stack_codes;

/* Bytes of ours that are resident, at most. */
size_t frame_stack_bytes(void);

#endif
