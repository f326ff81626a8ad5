/* What a profiler has found, and how it reads. */
#include "memprof/ext/line_profiler_object.h"

#include "memprof/ext/table_to_list.h"
#include "memprof/machine/hwm.h"
#include "memprof/machine/mem_reader.h"

struct line_function *line_profiler_function_at(struct profiler_object *self, Py_ssize_t index)
{
    if (index >= 0 && index < self->profiler.n_functions)
        return self->profiler.functions[index];
    /* An index that is no number has set an exception of its own. */
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_IndexError, "no such function");
    return NULL;
}

const char profiler_used_doc[] = "used() -> list\n\nThe indices of the functions that ran.";

PyObject *profiler_used(PyObject *object, PyObject *unused)
{
    const struct line_profiler *profiler = &((struct profiler_object *)object)->profiler;
    PyObject *used = PyList_New(0), *index;

    (void)unused;
    for (int i = 0; used != NULL && i < profiler->n_functions; i++) {
        const struct line_table *table = profiler->functions[i]->table;

        if (table == NULL || !line_table_used(table))
            continue;
        index = PyLong_FromLong(i);
        if (index == NULL || PyList_Append(used, index) != 0)
            Py_CLEAR(used);
        Py_XDECREF(index);
    }
    return used;
}

const char profiler_rows_doc[] =
    "rows(index, /) -> list\n\n"
    "The lines of a function that ran: (line, increment in bytes, largest\n"
    "memory in bytes, occurrences, peak in bytes or None, time in\n"
    "nanoseconds or None).";

PyObject *profiler_rows(PyObject *object, PyObject *index)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function = line_profiler_function_at(self, PyLong_AsSsize_t(index));

    if (function == NULL)
        return NULL;
    if (function->table == NULL)
        return PyList_New(0);
    return table_to_list(self->state, function->table, self->profiler.measures);
}

const char profiler_ledger_doc[] =
    "ledger(index, /) -> dict\n\n"
    "Proof that no growth was lost, in bytes: increments == entry + segments.";

PyObject *profiler_ledger(PyObject *object, PyObject *index)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct line_function *function = line_profiler_function_at(self, PyLong_AsSsize_t(index));

    if (function == NULL)
        return NULL;
    if (function->table == NULL)
        Py_RETURN_NONE;
    return table_ledger(function);
}

const char profiler_restart_doc[] =
    "restart()\n\nForget what was measured; calls that run count from now on.";

PyObject *profiler_restart(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;

    (void)unused;
    line_profiler_drop_frames(self);
    module_state_renumber(self->state);
    for (int i = 0; i < self->profiler.n_functions; i++)
        if (self->profiler.functions[i]->table != NULL)
            line_table_clear(self->profiler.functions[i]->table);
    Py_RETURN_NONE;
}

const char profiler_info_doc[] =
    "info() -> dict\n\n"
    "How this profiler reads: gate_ns (0: off), gate_off (why), reads, skipped,\n"
    "surprises, error (of the last failed reading, or None), resolution_bytes,\n"
    "mark_resolution_bytes (of peaks), ns_per_tick (0: nobody measures time).";

PyObject *profiler_info(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    const struct meter *meter = self->state->engine.meters[self->profiler.meter];

    (void)unused;
    return Py_BuildValue(
        "{s:d,s:z,s:K,s:K,s:K,s:i,s:L,s:L,s:d}", "gate_ns", gate_nanoseconds(&meter->gate),
        "gate_off", meter->gate.why_off, "reads", (unsigned long long)meter->reads, "skipped",
        (unsigned long long)meter->skips, "surprises", (unsigned long long)meter->gate_misses,
        "error", -meter->last_error, "resolution_bytes", (long long)mem_resolution(),
        "mark_resolution_bytes", (long long)hwm_resolution(), "ns_per_tick",
        self->state->tick_rate.monotonic_ns == 0 ? 0
                                                 : clock_rate_ns_per_tick(&self->state->tick_rate));
}

const char profiler_costs_doc[] =
    "costs() -> (float, float)\n\n"
    "Nanoseconds that a reading, and an event that is not read, cost just now.";

PyObject *profiler_costs(PyObject *object, PyObject *unused)
{
    struct profiler_object *self = (struct profiler_object *)object;
    struct meter *meter = self->state->engine.meters[self->profiler.meter];
    struct meter_costs costs = meter_measure_costs(meter);

    (void)unused;
    return Py_BuildValue("dd", costs.read_ns, costs.skip_ns);
}
