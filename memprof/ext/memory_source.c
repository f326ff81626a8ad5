#include "memprof/ext/memory_source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/ext/periodic_save.h"
#include "memprof/ext/base/py_error.h"
#include "memprof/ext/heap_view.h"
#include "memprof/machine/family_reader.h"

struct memory_source {
    struct memory_source *next;
    struct meter meter;
    struct module_state *state;
    enum mem_backend backend;
    int include_children;
    int index; /* -1: prepared, but nobody has asked for it yet */
    struct mem_reader reader;
    struct family_reader family; /* with include_children */
};

/* This process, without the log of its allocations: that is the tool's. */
static int read_own(struct memory_source *source, int64_t *bytes)
{
    int error = mem_reader_read(&source->reader, bytes);

    *bytes -= heap_view_bytes();
    return error;
}

static int read_process(void *context, int64_t *bytes)
{
    struct memory_source *source = context;
    int error = read_own(source, bytes);

    if (__builtin_expect(source->state->saving.callback != NULL, 0) && error == 0)
        periodic_save_check(source->state, *bytes);
    return error;
}

/* This process and its descendants. */
static int read_family(void *context, int64_t *bytes)
{
    struct memory_source *source = context;
    int64_t children;
    int error;

    error = read_own(source, bytes);
    if (error == 0)
        error = family_reader_read(&source->family, &children);
    if (error != 0)
        return error;
    *bytes += children;
    periodic_save_check(source->state, *bytes);
    return 0;
}

static void verify_process(void *context)
{
    struct memory_source *source = context;

    mem_reader_verify(&source->reader);
}

/*
 * The first item of tracemalloc's get_traced_memory(). That is C and calls nothing, so it is called
 * as such: a call by the interpreter fails at the limit of the recursion. -1 with an exception.
 */
static int64_t ask_tracemalloc(PyObject *reader)
{
    PyObject *pair = PyCFunction_GetFunction(reader)(PyCFunction_GetSelf(reader), NULL), *first;
    int64_t bytes;

    if (pair == NULL)
        return -1;
    first = PyTuple_GetItem(pair, 0);
    bytes = first == NULL ? -1 : PyLong_AsLongLong(first);
    Py_DECREF(pair);
    return bytes;
}

/* Bytes traced by tracemalloc now. Frames end, and code dies, with an exception on its way. */
static int read_traced(void *context, int64_t *bytes)
{
    struct memory_source *source = context;
    struct py_error pending;
    int64_t answer;
    int error = 0;

    py_error_fetch(&pending);
    answer = ask_tracemalloc(source->state->traced_memory);
    if (answer >= 0)
        *bytes = answer;
    else
        error = PyErr_ExceptionMatches(PyExc_MemoryError) ? -ENOMEM : -EIO;
    PyErr_Clear();
    py_error_restore(&pending);
    if (error == 0)
        periodic_save_check(source->state, *bytes);
    return error;
}

/* The function itself is wanted, not what a program has put in its place. */
static bool is_c_without_arguments(PyObject *function)
{
    return PyCFunction_CheckExact(function) && PyCFunction_GetFlags(function) == METH_NOARGS;
}

static int import_traced_memory(struct module_state *state)
{
    PyObject *module, *reader;

    if (state->traced_memory != NULL)
        return 0;
    module = PyImport_ImportModule("_tracemalloc");
    if (module == NULL)
        return -1;
    reader = PyObject_GetAttrString(module, "get_traced_memory");
    Py_DECREF(module);
    if (reader == NULL)
        return -1;
    if (!is_c_without_arguments(reader)) {
        Py_DECREF(reader);
        PyErr_SetString(PyExc_OSError, "memory_profiler: tracemalloc cannot be read: its "
                                       "get_traced_memory() was replaced");
        return -1;
    }
    state->traced_memory = reader;
    return 0;
}

static int find_backend(const char *name)
{
    int backend = mem_backend_find(name);

    if (backend >= 0)
        return backend;
    PyErr_Format(PyExc_ValueError,
                 "memory_profiler: unknown backend '%s' (known: rss pss uss tracemalloc, and "
                 "psutil psutil_pss psutil_uss posix)",
                 name);
    return -1;
}

/* Whether a change of this number takes a system call's time at least: only then a gate is sound.*/
static void set_gate(struct memory_source *source)
{
    struct gate *gate = &source->meter.gate;

    if (source->state->exact)
        gate_off(gate, "switched off by --exact");
    else if (source->backend != MEM_RSS || source->include_children)
        gate_off(gate, "only the plain rss of this process can be gated");
    else
#ifdef Py_GIL_DISABLED
        gate_off(gate, "this Python runs threads without a lock");
#else
        gate_calibrate(gate);
#endif
}

static int open_source(struct memory_source *source)
{
    int64_t bytes;
    int error;

    source->meter.context = source;
    if (source->backend == MEM_TRACEMALLOC) {
        /* No verify: tracemalloc has no descriptor that the program could close. */
        source->meter.read = read_traced;
        return import_traced_memory(source->state);
    }
    source->meter.read = source->include_children ? read_family : read_process;
    source->meter.verify = verify_process;
    error = mem_reader_init(&source->reader, 0, source->backend);
    if (error == 0)
        /* Some files open and cannot be read: whoever asks for the number is to hear of it now. */
        error = source->meter.read(source, &bytes);
    if (error == 0) {
        /* A later reading that fails is given this number, or the last that succeeded after it. */
        source->meter.last_good = bytes;
        return 0;
    }
    py_error_memory(error);
    return -1;
}

static struct memory_source *new_source(struct module_state *state, enum mem_backend backend,
                                        int include_children)
{
    struct memory_source *source = calloc(1, sizeof *source);

    if (source == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    source->state = state;
    source->backend = backend;
    source->include_children = include_children;
    /* 0 would be a descriptor of the program's, which mem_reader_release() would close. */
    source->reader.fd = -1;
    /* Cannot fail for this process: nothing is looked at before the first reading. */
    (void)family_reader_init(&source->family, 0, backend);
    if (open_source(source) == 0)
        return source;
    mem_reader_release(&source->reader);
    family_reader_release(&source->family);
    free(source);
    return NULL;
}

static struct memory_source *find_source(const struct module_state *state, enum mem_backend backend,
                                         int include_children)
{
    struct memory_source *source = state->sources;

    while (source != NULL &&
           (source->backend != backend || source->include_children != include_children))
        source = source->next;
    return source;
}

static struct memory_source *add_source(struct module_state *state, enum mem_backend backend,
                                        int include_children)
{
    struct memory_source *source = new_source(state, backend, include_children);

    if (source == NULL)
        return NULL;
    source->index = -1;
    source->next = state->sources;
    state->sources = source;
    return source;
}

int memory_source_init(struct module_state *state)
{
    if (add_source(state, MEM_RSS, 0) == NULL)
        PyErr_Clear();
    return 0;
}

int memory_source_index(struct module_state *state, const char *name, int include_children)
{
    int found = find_backend(name);
    enum mem_backend backend = (enum mem_backend)found;
    struct memory_source *source;

    if (found < 0)
        return -1;
    /* tracemalloc knows this process alone. */
    include_children = include_children && backend != MEM_TRACEMALLOC;
    source = find_source(state, backend, include_children);
    if (source == NULL)
        source = add_source(state, backend, include_children);
    if (source == NULL)
        return -1;
    if (source->index < 0) {
        set_gate(source);
        source->index = state->engine.n_meters++;
        state->engine.meters[source->index] = &source->meter;
    }
    return source->index;
}

int memory_source_want_time(struct module_state *state)
{
    if (!clock_ticks_are_steady()) {
        PyErr_SetString(PyExc_OSError, "memory_profiler: lines cannot be timed here: the "
                                       "processor's counter is not steady");
        return -1;
    }
    if (state->tick_rate.monotonic_ns == 0)
        clock_rate_start(&state->tick_rate);
    return 0;
}

static int read_hwm(void *context, int64_t *bytes)
{
    struct module_state *state = context;

    int error = hwm_read(&state->hwm, bytes);

    *bytes -= heap_view_bytes(); /* the log never shrinks: no more than it had then, or later */
    return error;
}

static int reset_hwm(void *context)
{
    struct module_state *state = context;
    int error = hwm_reset(&state->hwm);

    /* What is taken from the HWM here would be missing in the recorder's peak of this process. */
    peak_note_tell(&state->peak_note, state->hwm.taken, 0);
    return error;
}

static void end_peak(struct module_state *state)
{
    line_engine_set_peak(&state->engine, NULL);
    peak_note_tell(&state->peak_note, state->hwm.taken, 1);
    peak_note_release(&state->peak_note);
    hwm_release(&state->hwm);
}

/* Sets the HWM back and tells the recorder what that took. Where it fails nothing is changed. */
static int open_hwm(struct hwm *hwm, struct peak_note *note)
{
    int error = peak_note_init(note, getenv("MPROF_OUTPUT"));

    if (error != 0)
        return error;
    error = hwm_init(hwm);
    if (error == 0)
        peak_note_tell(note, hwm->taken, 1);
    else
        peak_note_release(note);
    return error;
}

static int start_peak(struct module_state *state)
{
    int error = open_hwm(&state->hwm, &state->peak_note);

    memset(&state->peak, 0, sizeof state->peak);
    state->peak.read = read_hwm;
    state->peak.reset = reset_hwm;
    state->peak.context = state;
    if (error == 0) {
        line_engine_set_peak(&state->engine, &state->peak);
        return 0;
    }
    PyErr_Format(PyExc_OSError,
                 "memory_profiler: peaks cannot be had here: the high-water mark of memory cannot "
                 "be set back (%s)",
                 strerror(-error));
    return -1;
}

/* The recorder of this process sets the HWM back at each sample. */
static bool is_recorded_with_spikes(void)
{
    const char *spikes = getenv("MPROF_SPIKES");

    return spikes != NULL && strcmp(spikes, "1") == 0;
}

/* Who else sets the HWM back would make the peaks of lines too small, in silence. */
static int check_spikes(void)
{
    if (!is_recorded_with_spikes())
        return 0;
    PyErr_SetString(PyExc_OSError, "memory_profiler: peaks of lines and mprof run --spikes both "
                                   "set back the kernel's mark: take one");
    return -1;
}

/* Whether a number is what the kernel's mark is of. */
static bool is_plain_rss(const struct module_state *state, int index)
{
    const struct memory_source *source = state->sources;

    while (source != NULL && source->index != index)
        source = source->next;
    return source != NULL && source->backend == MEM_RSS && !source->include_children;
}

int64_t memory_source_kernels_peak(const struct module_state *state, int index)
{
    int64_t bytes;

    if (!is_plain_rss(state, index) || state->n_peaks > 0 || mem_peak_read(0, &bytes) != 0)
        return 0;
    return bytes - state->engine.meters[index]->tool_bytes;
}

int memory_source_want_peak(struct module_state *state, int index)
{
    if (!is_plain_rss(state, index)) {
        PyErr_SetString(PyExc_ValueError, "memory_profiler: peaks are of the rss of this process "
                                          "alone: no other backend, no children");
        return -1;
    }
    if (state->n_peaks == 0 && (check_spikes() != 0 || start_peak(state) != 0))
        return -1;
    state->n_peaks++;
    return 0;
}

void memory_source_need_no_peak(struct module_state *state)
{
    if (--state->n_peaks == 0)
        end_peak(state);
}

void memory_source_release(struct module_state *state)
{
    while (state->sources != NULL) {
        struct memory_source *source = state->sources;

        state->sources = source->next;
        mem_reader_release(&source->reader);
        family_reader_release(&source->family);
        free(source);
    }
    state->engine.n_meters = 0;
    if (state->engine.peak != NULL)
        end_peak(state);
    Py_CLEAR(state->traced_memory);
}

PyDoc_STRVAR(rest_readers_doc,
             "rest_readers()\n\n"
             "Close what is open to read memory; the next reading opens it again.");

static PyObject *rest_readers(PyObject *module, PyObject *unused)
{
    (void)unused;
    for (struct memory_source *source = module_state_of(module)->sources; source != NULL;
         source = source->next)
        mem_reader_rest(&source->reader);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reset_peak_doc,
             "reset_peak()\n\n"
             "Set the high-water mark of this process back to what is resident now. False where it "
             "cannot be, or where lines or the recorder need it: then nothing is changed.");

static PyObject *reset_peak(PyObject *module, PyObject *unused)
{
    struct peak_note note;
    struct hwm hwm;

    (void)unused;
    if (module_state_of(module)->n_peaks > 0 || is_recorded_with_spikes() ||
        open_hwm(&hwm, &note) != 0)
        Py_RETURN_FALSE;
    peak_note_release(&note);
    hwm_release(&hwm);
    Py_RETURN_TRUE;
}

static PyMethodDef methods[] = {
    {"rest_readers", rest_readers, METH_NOARGS, rest_readers_doc},
    {"reset_peak", reset_peak, METH_NOARGS, reset_peak_doc},
    {NULL, NULL, 0, NULL},
};

int memory_source_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
