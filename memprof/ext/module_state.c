#include "memprof/ext/module_state.h"

#include <stdlib.h>

/* Watched frames that a thread may nest before its stack has to grow. */
#define FIRST_CAPACITY 64

static struct line_stack *new_stack(struct module_state *state)
{
    int64_t before[LINE_MAX_METERS];
    struct line_stack *stack;

    line_machine_begin_work(&state->machine, before);
    stack = malloc(sizeof *stack);
    if (stack != NULL && line_stack_init(stack, &state->machine, FIRST_CAPACITY) != 0) {
        free(stack);
        stack = NULL;
    }
    line_machine_end_work(&state->machine, before);
    return stack;
}

/* A thread that ended left its stack behind: whoever comes at its address starts anew. */
static struct line_stack *reuse(struct module_state *state, struct thread_entry *entry,
                                PyThreadState *thread)
{
    if (entry->id != thread->id) {
        line_stack_clear(entry->stack);
        entry->id = thread->id;
    }
    state->last = *entry;
    return entry->stack;
}

struct line_stack *module_state_find_stack(struct module_state *state, PyThreadState *thread)
{
    struct thread_entry *grown;

    for (int i = 0; i < state->n_threads; i++)
        if (state->threads[i].thread == thread)
            return reuse(state, &state->threads[i], thread);
    grown = realloc(state->threads, (size_t)(state->n_threads + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    state->threads = grown;
    grown += state->n_threads;
    grown->thread = thread;
    grown->id = thread->id;
    grown->stack = new_stack(state);
    if (grown->stack == NULL)
        return NULL;
    state->n_threads++;
    state->last = *grown;
    return grown->stack;
}

void module_state_release(struct module_state *state)
{
    for (int i = 0; i < state->n_threads; i++) {
        line_stack_release(state->threads[i].stack);
        free(state->threads[i].stack);
    }
    free(state->threads);
    state->threads = NULL;
    state->n_threads = 0;
    state->last.thread = NULL;
}
