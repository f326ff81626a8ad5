#include "memprof/ext/highest.h"

#include <stdlib.h>

#include "memprof/ext/line_profiler_object.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/machine/mem_reader.h"

/* The line that ran, and so many callers. */
#define MOST_PLACES 4

/*
 * What it takes to tell the line later. Strings and bytes, and never the code: they can go in the
 * middle of an event, where the end of a code would end whatever hangs on it.
 */
struct place {
    PyObject *file, *name, *lines;
    int first_line, offset;
    int line; /* 0: that of the instruction at the offset */
};

struct highest {
    struct module_state *state; /* borrowed */
    int64_t began_ns, ns;       /* of the monotonic clock */
    int64_t bytes;
    enum meter_rise how;
    int n_places;
    struct place places[MOST_PLACES];
};

/* ---- noting ---- */

struct walk {
    struct highest *highest;
    const struct line_frame *top; /* the watched frame whose line runs, or NULL */
    bool has_begun;
};

static PyObject *name_of(const PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    return code->co_qualname;
#else
    return code->co_name;
#endif
}

/* Objects that run nothing when they go. */
static bool is_plain(const PyCodeObject *code)
{
    return PyUnicode_CheckExact(code->co_filename) && PyUnicode_CheckExact(name_of(code)) &&
           PyBytes_CheckExact(code->co_linetable);
}

static void put(PyObject **at, PyObject *object)
{
    PyObject *old = *at;

    if (old == object)
        return;
    *at = Py_NewRef(object);
    Py_XDECREF(old);
}

static void put_place(struct place *place, const PyCodeObject *code, int offset, int line)
{
    put(&place->file, code->co_filename);
    put(&place->name, name_of(code));
    put(&place->lines, code->co_linetable);
    place->first_line = code->co_firstlineno;
    place->offset = offset;
    place->line = line;
}

/* Before its first instruction: what ran until now is its caller. */
static bool is_beginning(const PyCodeObject *code, int offset)
{
#if PY_VERSION_HEX >= 0x030B0000
    return offset <= code->_co_firsttraceable * CODE_UNIT;
#else
    (void)code;
    return offset < 0;
#endif
}

/* The line just left, where the frame is the watched one; else 0. At a line's event the frame's own
 * instruction is in the line that comes. */
static int line_left(const struct line_frame *top, const void *key, const PyCodeObject *code)
{
    if (top == NULL || top->key != key || top->row == NULL ||
        code_extra_of(top->code)->code != (PyObject *)code)
        return 0;
    return top->first_line + (int)(top->row - top->table->rows);
}

static bool is_watched(const struct module_state *state, PyCodeObject *code)
{
    const struct line_code *lines = line_code_find(state, (PyObject *)code);

    return lines != NULL && lines->watches != NULL;
}

static bool take_place(void *context, const void *key, PyCodeObject *code, int offset)
{
    struct walk *walk = context;
    struct highest *highest = walk->highest;
    int line = walk->has_begun ? 0 : line_left(walk->top, key, code);
    bool is_first = !walk->has_begun;

    walk->has_begun = true;
    if (is_first && line == 0 && is_beginning(code, offset))
        return true;
    /* What was held before now was held in this call, and may have been in a deeper one. */
    if (highest->how == METER_SINCE && highest->n_places == 0 && !is_watched(highest->state, code))
        return true;
    if (!is_plain(code))
        return false;
    put_place(&highest->places[highest->n_places++], code, offset, line);
    return highest->n_places < MOST_PLACES;
}

static void note(struct meter *meter, enum meter_rise how)
{
    struct highest *highest = meter->listener;
    PyThreadState *thread;
    const struct line_stack *stack = module_state_here(highest->state, &thread);
    struct walk walk = {.highest = highest};

    highest->ns = clock_monotonic_ns();
    highest->bytes = meter->highest;
    highest->how = how;
    highest->n_places = 0;
    if (how == METER_OUTSIDE)
        return;
    if (stack != NULL && stack->depth > 0)
        walk.top = &stack->frames[stack->depth - 1];
    tracer_each_place(thread, take_place, &walk);
}

/* ---- telling ---- */

static PyObject *tell_places(const struct highest *highest)
{
    PyObject *list = PyList_New(0), *item;

    for (int i = 0; list != NULL && i < highest->n_places; i++) {
        const struct place *place = &highest->places[i];

        item = Py_BuildValue("OOOiii", place->file, place->name, place->lines, place->first_line,
                             place->offset, place->line);
        if (item == NULL || PyList_Append(list, item) != 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* Less than this, and what either may be off by, is not worth a word. */
#define MUCH_MORE (INT64_C(1) << 20)

static PyObject *tell_kernels(const struct highest *highest, int64_t bytes)
{
    if (bytes - highest->bytes < MUCH_MORE + mem_resolution() + hwm_resolution())
        Py_RETURN_NONE;
    return PyLong_FromLongLong(bytes);
}

const char profiler_highest_doc[] =
    "highest() -> tuple or None\n\n"
    "The most memory since note_highest(): (bytes, seconds after that, whether it\n"
    "was held when it was read or else at some time since the reading before,\n"
    "places, what the kernel saw where that is clearly more, else None). A place is (file, "
    "qualified name, co_linetable, co_firstlineno,\n"
    "offset of the instruction, line or 0), the innermost first; without any it\n"
    "was outside of all that is watched.";

PyObject *profiler_highest(PyObject *profiler, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)profiler;
    const struct highest *highest = self->state->highest;
    int64_t kernels;

    (void)unused;
    if (highest == NULL || highest->bytes == 0)
        Py_RETURN_NONE;
    kernels = memory_source_kernels_peak(self->state, self->profiler.meter);
    return Py_BuildValue("LdNNN", (long long)highest->bytes,
                         (double)(highest->ns - highest->began_ns) / 1e9,
                         PyBool_FromLong(highest->how == METER_NOW), tell_places(highest),
                         tell_kernels(highest, kernels));
}

const char profiler_note_highest_doc[] =
    "note_highest()\n\nFollow the highest of what this profiler reads, from now on.";

PyObject *profiler_note_highest(PyObject *profiler, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)profiler;
    struct meter *meter = self->state->engine.meters[self->profiler.meter];

    (void)unused;
    if (self->state->highest != NULL)
        Py_RETURN_NONE;
    self->state->highest = calloc(1, sizeof *self->state->highest);
    if (self->state->highest == NULL)
        return PyErr_NoMemory();
    self->state->highest->state = self->state;
    self->state->highest->began_ns = clock_monotonic_ns();
    meter->listener = self->state->highest;
    meter->rose = note;
    Py_RETURN_NONE;
}

int highest_init(struct module_state *state)
{
    state->highest = NULL;
    return 0;
}

void highest_release(struct module_state *state)
{
    struct highest *highest = state->highest;

    if (highest == NULL)
        return;
    for (int i = 0; i < MOST_PLACES; i++) {
        Py_XDECREF(highest->places[i].file);
        Py_XDECREF(highest->places[i].name);
        Py_XDECREF(highest->places[i].lines);
    }
    free(highest);
    state->highest = NULL;
}
