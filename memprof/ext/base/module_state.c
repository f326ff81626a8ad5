#include "memprof/ext/base/module_state.h"

#include <stdlib.h>

#include "memprof/lines/line_box.h"

/* Watched frames that a thread may nest before its stack has to grow. */
#define FIRST_CAPACITY 64

struct line_stack *module_state_new_stack(struct module_state *state, int capacity)
{
    struct line_stack *stack;
    struct line_work work;
    size_t frame_size = sizeof *stack->frames + sizeof *stack->opens;

    line_box_prepare_opens(state->engine.box, (uint32_t)capacity);
    /* The stack is memory of the tool: these two calls take its growth out of the numbers. */
    line_engine_begin_work(&state->engine, &work);
    stack = malloc(sizeof *stack);
    if (stack != NULL && line_stack_init(stack, &state->engine, capacity) != 0) {
        free(stack);
        stack = NULL;
    }
    line_engine_end_work(&state->engine, &work, sizeof *stack + (size_t)capacity * frame_size);
    return stack;
}

static struct line_stack *hand_out(struct module_state *state, struct thread_entry *entry)
{
    if (state->fibre_stack != NULL)
        return state->fibre_stack(state, entry);
    state->last = *entry;
    return entry->stack;
}

/* A thread that ended left its stack behind: whoever comes at its address starts anew. */
static struct line_stack *reuse(struct module_state *state, struct thread_entry *entry,
                                PyThreadState *thread)
{
    if (entry->id != thread->id) {
        line_stack_clear(entry->stack);
        line_stack_tell_thread(entry->stack, PyThread_get_thread_native_id());
        entry->id = thread->id;
    }
    return hand_out(state, entry);
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
    grown->stack = module_state_new_stack(state, FIRST_CAPACITY);
    if (grown->stack == NULL)
        return NULL;
    line_stack_tell_thread(grown->stack, PyThread_get_thread_native_id());
    /* Counted only now: an entry without a stack must not be found. */
    state->n_threads++;
    return hand_out(state, grown);
}

void module_state_renumber(struct module_state *state)
{
    const PyThreadState *thread = PyThreadState_Get();

    for (int i = 0; i < state->n_threads; i++)
        if (state->threads[i].thread == thread)
            line_stack_tell_thread(state->threads[i].stack, PyThread_get_thread_native_id());
}

static void free_stacks(struct module_state *state)
{
    for (int i = 0; i < state->n_threads; i++) {
        line_stack_release(state->threads[i].stack);
        free(state->threads[i].stack);
    }
    free(state->threads);
}

/* ---- life ---- */

static void state_free(struct module_state *state)
{
    Py_XDECREF(state->shared);
    Py_XDECREF(state->on_module);
    Py_XDECREF(state->saving.callback);
    Py_XDECREF(state->tracing_users);
    Py_XDECREF(state->callable_type);
    Py_XDECREF(state->proxy_type);
    free_stacks(state);
    for (int i = 0; i < N_RESERVES; i++)
        reserve_give_back(&state->reserves[i]);
    for (const struct state_part *part = state->parts; part->init != NULL; part++)
        if (part->release != NULL)
            part->release(state);
    free(state);
}

struct module_state *module_state_keep(struct module_state *state)
{
    state->n_references++;
    return state;
}

void module_state_drop(struct module_state *state)
{
    if (--state->n_references == 0)
        state_free(state);
}

static int init_parts(struct module_state *state)
{
    for (const struct state_part *part = state->parts; part->init != NULL; part++)
        if (part->init(state) != 0)
            return -1;
    return 0;
}

static struct module_state *state_new(const struct state_part *parts)
{
    struct module_state *state = calloc(1, sizeof *state);

    if (state == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    state->parts = parts;
    module_state_keep(state);
    thread_slot_find(&state->thread_slot);
    state->shared = PyDict_New();
    if (state->shared != NULL && init_parts(state) == 0)
        return state;
    /* Frees what is half made: release() of a part also serves where its init() was not called. */
    module_state_drop(state);
    return NULL;
}

static const char capsule_name[] = "memory_profiler._memprof.state";

static void drop_capsule(PyObject *capsule)
{
    module_state_drop(PyCapsule_GetPointer(capsule, capsule_name));
}

/* Hands a reference to the interpreter, which keeps it until its end. */
static int store(PyObject *interpreter_dict, struct module_state *state)
{
    PyObject *capsule = PyCapsule_New(state, capsule_name, drop_capsule);
    int error;

    if (capsule == NULL)
        return -1;
    /* The capsule's reference: drop_capsule() gives it back, also where storing fails. */
    module_state_keep(state);
    error = PyDict_SetItemString(interpreter_dict, capsule_name, capsule);
    Py_DECREF(capsule);
    return error;
}

struct module_state *module_state_get(const struct state_part *parts)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get()), *capsule;
    struct module_state *state;

    capsule = dict == NULL ? NULL : PyDict_GetItemString(dict, capsule_name);
    if (capsule != NULL)
        return module_state_keep(PyCapsule_GetPointer(capsule, capsule_name));
    state = state_new(parts);
    if (state != NULL && dict != NULL && store(dict, state) != 0) {
        module_state_drop(state);
        state = NULL;
    }
    return state;
}
