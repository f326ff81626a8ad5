#include "memprof/ext/heap/frame_stack.h"

#include <string.h>

#include "memprof/machine/pages.h"
#include "memprof/machine/process.h"

#define FIRST_FRAMES 127
#define OURS FRAME_STACK_OURS

struct code_registry frame_stack_codes;
_Atomic(uint32_t) frame_stack_generation = 1;
static bool parts_threads;
static _Atomic(uint32_t) n_other_threads;
static _Atomic(size_t) bytes;

void frame_stack_part_threads(bool parts)
{
    parts_threads = parts && code_registry_add_thread(&frame_stack_codes);
    atomic_store(&n_other_threads, 0);
}

void frame_stack_forget(void)
{
    atomic_fetch_add(&frame_stack_generation, 1);
}

size_t frame_stack_bytes(void)
{
    const struct code_registry *codes = &frame_stack_codes;

    return atomic_load(&bytes) + pages_round(codes->bytes - codes->room_left) +
           pages_round(codes->n_entries * sizeof *codes->entries) +
           codes->n_slots * (sizeof *codes->keys + sizeof *codes->numbers);
}

/* ---- one thread's ---- */

/* The caller of the outermost frame stands before the first: it ends what is compared. */
static bool grow(struct frame_stack *stack)
{
    uint32_t capacity = stack->capacity == 0 ? FIRST_FRAMES : 2 * stack->capacity + 1;
    struct known_frame *all = pages_map((capacity + 1) * sizeof *all);

    if (all == NULL)
        return false;
    if (stack->frames != NULL) {
        memcpy(all, stack->frames - 1, (stack->n + 1) * sizeof *all);
        pages_unmap(stack->frames - 1, (stack->capacity + 1) * sizeof *all);
    }
    atomic_fetch_add(&bytes, (capacity - stack->capacity) * sizeof *all);
    stack->frames = all + 1;
    stack->capacity = capacity;
    return true;
}

static struct frame_stack *stack_of(struct alloc_thread *thread)
{
    struct frame_stack *stack = thread->stack;

    if (stack == NULL) {
        stack = pages_map(sizeof *stack);
        if (stack == NULL)
            return NULL;
        if (!grow(stack)) {
            pages_unmap(stack, sizeof *stack);
            return NULL;
        }
        thread->stack = stack;
        atomic_fetch_add(&bytes, sizeof *stack);
    }
    return stack;
}

/* ---- what runs ---- */

/* Reads all frames again. False without memory: the innermost are missing. */
static bool read_all(struct frame_stack *stack, const frame_walk *top, uint32_t *changed)
{
    uint32_t n = 0, at;

    for (const frame_walk *frame = top; frame != NULL; frame = frame_walk_caller(frame))
        n++;
    stack->n = stack->n < n ? stack->n : n;
    while (stack->capacity < n)
        if (!grow(stack))
            return false;
    at = n;
    *changed = n;
    for (const frame_walk *frame = top; frame != NULL; frame = frame_walk_caller(frame)) {
        struct known_frame *known = &stack->frames[--at];
        uintptr_t instruction = frame_walk_instruction(frame);

        if (at < stack->n && known->frame == frame && known->instruction == instruction)
            continue;
        known->frame = frame;
        known->instruction = instruction;
        *changed = at;
    }
    if (*changed > stack->n)
        *changed = stack->n;
    stack->n = n;
    return true;
}

/*
 * Whether the frames below `at`, whose own is known to run, are those that were there. *changed is
 * the outermost that is at another instruction than it was.
 */
static bool verify(struct frame_stack *stack, uint32_t at, uint32_t *changed)
{
    struct known_frame *known = stack->frames + at;
    struct known_frame *outermost = NULL; /* of those that changed */
    const frame_walk *frame = known->frame;

    for (; known->frame == frame && frame != NULL; known--) {
        uintptr_t instruction = frame_walk_instruction(frame);

        if (known->instruction != instruction) {
            known->instruction = instruction;
            outermost = known;
        }
        frame = frame_walk_caller(frame);
    }
    if (outermost != NULL)
        *changed = (uint32_t)(outermost - stack->frames);
    return frame == NULL && known->frame == NULL;
}

/* Brings the stack up to date. *changed: the first frame whose node has to be looked up. */
static bool update(struct frame_stack *stack, const frame_walk *top, uint32_t *changed)
{
    uint32_t n = stack->n;

    *changed = UINT32_MAX;
    if (n > 0 && stack->frames[n - 1].frame == top) {
        if (verify(stack, n - 1, changed))
            return true;
    } else if (n > 1 && stack->frames[n - 2].frame == top) {
        stack->n = n - 1;
        if (verify(stack, n - 2, changed))
            return true;
    } else if (n > 0 && n < stack->capacity &&
               frame_walk_caller(top) == stack->frames[n - 1].frame) {
        stack->frames[n] = (struct known_frame){top, frame_walk_instruction(top), 0};
        *changed = n;
        if (verify(stack, n - 1, changed)) {
            stack->n = n + 1;
            return true;
        }
    }
    /* verify() has noted instructions whose nodes are not known: none of these may be kept. */
    stack->n = *changed < stack->n ? *changed : stack->n;
    return read_all(stack, top, changed);
}

/* ---- nodes ---- */

/* The node of a frame that was called by one with the node `caller`. With the writer's role. */
static uint32_t look_up(struct alloc_log *log, uint32_t caller, const frame_walk *frame)
{
    uint32_t parent = caller & ~OURS;
    PyCodeObject *code = frame_walk_code(frame);
    struct shadow_unseen unseen;
    uint32_t number;
    bool is_new;
    int offset;

    if (code == NULL)
        return caller; /* where C calls Python */
    number = code_registry_number(&frame_stack_codes, code, &is_new);
    if (is_new) {
        shadow_mark_code(log->shadow, code, &unseen);
        alloc_log_unseen(log, &unseen);
    }
    if (number == 0)
        return parent;
    if (code_registry_entry(&frame_stack_codes, number)->is_ours)
        return parent | OURS;
    offset = frame_walk_offset(frame, code);
    return alloc_tree_child(log->tree, parent, number, offset < 0 ? 0 : (uint32_t)offset);
}

/* The nodes of all frames from `at` on. */
static void find_nodes(struct alloc_log *log, struct frame_stack *stack, uint32_t at, bool holds)
{
    uint32_t caller = (stack->frames + at)[-1].node;
    bool is_locked = false;

    for (; at < stack->n; at++) {
        struct known_frame *known = &stack->frames[at];
        struct frame_memo *memo = frame_stack_memo(stack, caller, known->instruction);

        if (memo->instruction != known->instruction || memo->caller != caller) {
            if (!holds && !is_locked) {
                alloc_log_lock(log);
                is_locked = true;
            }
            *memo =
                (struct frame_memo){known->instruction, caller, look_up(log, caller, known->frame)};
        }
        caller = known->node = memo->node;
    }
    if (is_locked)
        alloc_log_unlock(log);
}

static uint32_t number_thread(void)
{
    uint32_t before = atomic_load(&n_other_threads);

    if (process_is_main_thread())
        return 1;
    while (before < FRAME_STACK_THREADS &&
           !atomic_compare_exchange_weak(&n_other_threads, &before, before + 1))
        ;
    return before + 2;
}

/* The caller of a thread's outermost frame. */
static uint32_t outermost(struct alloc_log *log, uint32_t number, bool holds)
{
    uint32_t root = log->tree->roots[ALLOC_PYTHON], node;

    if (!parts_threads)
        return root;
    if (!holds)
        alloc_log_lock(log);
    node = alloc_tree_child(log->tree, root, frame_stack_codes.thread, number);
    if (!holds)
        alloc_log_unlock(log);
    return node;
}

uint32_t frame_stack_node(struct alloc_log *log, struct alloc_thread *thread,
                          const PyThreadState *state, bool holds)
{
    const frame_walk *top = frame_walk_top(state);
    struct frame_stack *stack = stack_of(thread);
    uint32_t now = atomic_load_explicit(&frame_stack_generation, memory_order_relaxed);
    uint32_t changed, node;

    if (stack == NULL)
        return log->tree->roots[ALLOC_NO_PYTHON];
    if (top == NULL)
        return log->tree->roots[ALLOC_PYTHON];
    if (stack->generation != now || thread->number == 0) {
        if (thread->number == 0)
            thread->number = number_thread();
        memset(stack->memo, 0, sizeof stack->memo);
        stack->n = 0;
        stack->frames[-1].node = outermost(log, thread->number, holds);
        stack->generation = now;
    }
    if (!update(stack, top, &changed)) {
        stack->n = 0;
        return log->tree->roots[ALLOC_PYTHON];
    }
    if (changed < stack->n)
        find_nodes(log, stack, changed, holds);
    node = stack->frames[stack->n - 1].node;
    return node & OURS ? ALLOC_NONE : node;
}
