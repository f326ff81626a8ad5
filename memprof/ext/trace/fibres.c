#include "memprof/ext/trace/fibres.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>

#include "memprof/ext/trace/tracer.h"
#include "memprof/lines/line_pause.h"

/* Frames that a stack has room for at first: there may be thousands of greenlets. */
#define FIRST_CAPACITY 4

/* A stack that waits, or is idle: without frames. */
struct fibre {
    const void *key; /* of its frame on top */
    struct line_stack *stack;
    struct fibre *next; /* that is idle */
};

static int compare_keys(const void *a, const void *b)
{
    const char *left = ((const struct fibre *)a)->key, *right = ((const struct fibre *)b)->key;

    return (left > right) - (left < right);
}

static const void *top_key(const struct line_stack *stack)
{
    return stack->depth == 0 ? NULL : stack->frames[stack->depth - 1].key;
}

static void rest(struct fibres *fibres, struct fibre *fibre)
{
    fibre->next = fibres->idle;
    fibres->idle = fibre;
}

/* What was there under its key is of a greenlet whose end nobody saw. */
static void put_among_waiting(struct fibres *fibres, struct fibre *fibre)
{
    struct fibre **there;

    fibre->key = top_key(fibre->stack);
    there = tsearch(fibre, &fibres->waiting, compare_keys);
    if (there == NULL || *there == fibre)
        return; /* without memory it is not found again: its frames end with the program */
    line_stack_unwind((*there)->stack, 0);
    rest(fibres, *there);
    *there = fibre;
}

/* A stack without frames, or NULL without memory. */
static struct fibre *idle_one(struct module_state *state)
{
    struct fibre *fibre = state->fibres->idle;

    if (fibre != NULL) {
        state->fibres->idle = fibre->next;
        return fibre;
    }
    fibre = calloc(1, sizeof *fibre);
    if (fibre == NULL)
        return NULL;
    fibre->stack = module_state_new_stack(state, FIRST_CAPACITY);
    if (fibre->stack != NULL)
        return fibre;
    free(fibre);
    return NULL;
}

/* The thread goes on with another stack; its own waits, or is idle. */
static void change_stacks(struct module_state *state, struct thread_entry *entry,
                          struct fibre *other)
{
    struct line_stack *stack = entry->stack;

    entry->stack = other->stack;
    line_stack_tell_thread(entry->stack, PyThread_get_thread_native_id());
    other->stack = stack;
    if (stack->depth == 0) {
        rest(state->fibres, other);
    } else {
        line_stack_pause(stack);
        put_among_waiting(state->fibres, other);
    }
    if (entry->stack->is_paused)
        line_stack_go_on(entry->stack);
}

struct search {
    struct fibres *fibres;
    const void *current; /* the key on top of the thread's stack */
    struct fibre *found; /* NULL: it is the thread's own */
};

/* Whether a frame that runs is on top of a stack. */
static bool is_on_top(void *context, const void *key)
{
    struct search *search = context;
    struct fibre wanted = {.key = key}, **there;

    if (key == search->current)
        return true;
    there = tfind(&wanted, &search->fibres->waiting, compare_keys);
    search->found = there == NULL ? NULL : *there;
    return there != NULL;
}

static struct line_stack *running_stack(struct module_state *state, struct thread_entry *entry)
{
    struct search search = {state->fibres, top_key(entry->stack), NULL};

    if (tracer_find_frame(entry->thread, is_on_top, &search)) {
        if (search.found != NULL) {
            tdelete(search.found, &state->fibres->waiting, compare_keys);
            change_stacks(state, entry, search.found);
        }
        return entry->stack;
    }
    /* A greenlet without watched frames. */
    if (entry->stack->depth > 0) {
        search.found = idle_one(state);
        if (search.found == NULL)
            return NULL;
        change_stacks(state, entry, search.found);
    }
    return entry->stack;
}

void fibres_look(struct module_state *state)
{
    struct fibres *fibres = state->fibres;

    fibres->n_seen = PyDict_GET_SIZE(fibres->modules);
    if (PyDict_GetItem(fibres->modules, fibres->name) == NULL)
        return;
    state->fibre_stack = running_stack;
    state->last.thread = NULL; /* so that every event asks */
}

int fibres_init(struct module_state *state)
{
    struct fibres *fibres = state->fibres = calloc(1, sizeof *fibres);

    if (fibres == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    fibres->modules = Py_NewRef(PyImport_GetModuleDict());
    fibres->name = PyUnicode_InternFromString("greenlet");
    fibres->n_seen = -1;
    return fibres->name == NULL ? -1 : 0;
}

static void free_fibre(struct fibre *fibre)
{
    line_stack_release(fibre->stack);
    free(fibre->stack);
    free(fibre);
}

void fibres_release(struct module_state *state)
{
    struct fibres *fibres = state->fibres;
    struct fibre *fibre;

    if (fibres == NULL)
        return;
    while (fibres->waiting != NULL) {
        fibre = *(struct fibre **)fibres->waiting;
        tdelete(fibre, &fibres->waiting, compare_keys);
        free_fibre(fibre);
    }
    while ((fibre = fibres->idle) != NULL) {
        fibres->idle = fibre->next;
        free_fibre(fibre);
    }
    Py_CLEAR(fibres->modules);
    Py_CLEAR(fibres->name);
    free(fibres);
    state->fibres = NULL;
}
