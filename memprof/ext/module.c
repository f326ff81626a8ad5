/* memory_profiler._memprof: the core, for Python. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/ext/asking_signal.h"
#include "memprof/ext/births_view.h"
#include "memprof/ext/call_view.h"
#include "memprof/ext/census_view.h"
#include "memprof/ext/base/collector.h"
#include "memprof/ext/base/pending_call.h"
#include "memprof/ext/heap_flame.h"
#include "memprof/ext/heap_numbers.h"
#include "memprof/ext/heap_view.h"
#include "memprof/ext/heap_watch.h"
#include "memprof/ext/trace/code_extra.h"
#include "memprof/ext/trace/exec_hook.h"
#include "memprof/ext/trace/fibres.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/ext/highest.h"
#include "memprof/ext/line_profiler_type.h"
#include "memprof/ext/live_tables.h"
#include "memprof/ext/memory_source.h"
#include "memprof/ext/memory_usage.h"
#include "memprof/ext/base/module_state.h"
#include "memprof/ext/periodic_save.h"
#include "memprof/ext/owners_view.h"
#include "memprof/ext/profile_lists.h"
#include "memprof/ext/program_run.h"
#include "memprof/ext/ranking.h"
#include "memprof/ext/resident_view.h"
#include "memprof/ext/untraced_hooks.h"
#include "memprof/ext/span_recorder_type.h"
#include "memprof/ext/side_thread.h"
#include "memprof/ext/table_view.h"
#include "memprof/ext/tracemalloc_lease.h"
#include "memprof/ext/type_watch.h"
#include "memprof/ext/uncaught.h"
#include "memprof/lines/call_report.h"
#include "memprof/lines/line_report.h"

PyDoc_STRVAR(format_row_doc,
             "format_row(line, measurement, text, precision, growth=-1, peak=None, time=None,\n"
             "           heap=None, /)\n\n"
             "One row of the table. measurement is None for a line that never ran, or\n"
             "(increment MiB, memory MiB, occurrences). An increment of a hundredth of growth\n"
             "(MiB) is painted, with -1 none is. A table with peaks has a peak (MiB) in\n"
             "each row, one with times a tuple (microseconds, per hit, percent); any will do\n"
             "where nothing ran. One with allocations has (MiB allocated, allocations, MiB at the\n"
             "peak, MiB left), or () where nothing is known of the line.");

/* What a line has allocated; false with an exception. */
static bool read_heap(struct line_report_row *row, PyObject *heap)
{
    long long allocations = 0;

    row->has_heap = heap != Py_None;
    row->is_heap_known = row->has_heap && PyTuple_Check(heap) && PyTuple_GET_SIZE(heap) > 0;
    if (row->is_heap_known &&
        !PyArg_ParseTuple(heap, "dLdd", &row->allocated, &allocations, &row->at_peak, &row->left))
        return false;
    row->allocations = allocations;
    return true;
}

static PyObject *format_row(PyObject *module, PyObject *args)
{
    struct line_report_row row = {0};
    PyObject *measurement, *text, *peak = Py_None, *time = Py_None, *heap = Py_None;
    double growth = -1;
    int precision, length;
    char prefix[LINE_REPORT_PREFIX_SIZE];
    long long line, hits = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "LOUi|dOOO:format_row", &line, &measurement, &text, &precision,
                          &growth, &peak, &time, &heap))
        return NULL;
    row.measured = measurement != Py_None;
    if (row.measured && !PyArg_ParseTuple(measurement, "ddL", &row.increment, &row.mem, &hits))
        return NULL;
    row.line = line;
    row.hits = hits;
    row.has_peak = peak != Py_None;
    row.has_time = time != Py_None;
    if (row.has_peak && (row.peak = PyFloat_AsDouble(peak)) == -1 && PyErr_Occurred())
        return NULL;
    if (row.has_time && !PyArg_ParseTuple(time, "ddd", &row.time, &row.per_hit, &row.percent))
        return NULL;
    if (!read_heap(&row, heap))
        return NULL;
    length = line_report_prefix(prefix, &row, precision, growth);
    if (length < 0)
        return PyErr_Format(PyExc_ValueError, "precision must be from 0 to %d, not %d",
                            LINE_REPORT_MAX_PRECISION, precision);
    return PyUnicode_FromFormat("%s%U", prefix, text);
}

PyDoc_STRVAR(table_header_doc, "table_header(peak=False, time=False, heap=False, /) -> str\n\n"
                               "What stands above the rows, with these columns or without them.");

static PyObject *table_header(PyObject *module, PyObject *args)
{
    char text[LINE_REPORT_HEADER_SIZE];
    int peak = 0, time = 0, heap = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "|ppp:table_header", &peak, &time, &heap))
        return NULL;
    line_report_header(text, peak, time, heap);
    return PyUnicode_FromString(text);
}

PyDoc_STRVAR(format_call_doc,
             "format_call(calls, primitive, own, cumulative, peak, precision, name, all=-1, /) -> "
             "str\n\n"
             "One row of the table of functions, with its line end. Memory is in MiB; peak may be\n"
             "None. Where its own growth is a hundredth of all that functions grew (MiB, up and\n"
             "down) or more, it is painted; with -1 it is not.");

static PyObject *format_call(PyObject *module, PyObject *args)
{
    struct call_report_row row = {0};
    char prefix[CALL_REPORT_ROW_SIZE];
    unsigned long long calls, primitive;
    PyObject *peak, *name;
    double all = -1;
    int precision;

    (void)module;
    if (!PyArg_ParseTuple(args, "KKddOiU|d:format_call", &calls, &primitive, &row.own,
                          &row.cumulative, &peak, &precision, &name, &all))
        return NULL;
    row.calls = calls;
    row.primitive = primitive;
    row.has_peak = peak != Py_None;
    if (row.has_peak && (row.peak = PyFloat_AsDouble(peak)) == -1 && PyErr_Occurred())
        return NULL;
    if (call_report_prefix(prefix, &row, precision, all) < 0)
        return PyErr_Format(PyExc_ValueError, "precision must be from 0 to %d, not %d",
                            CALL_REPORT_MAX_PRECISION, precision);
    return PyUnicode_FromFormat("%s%U\n", prefix, name);
}

PyDoc_STRVAR(ranking_header_doc, "ranking_header(peak=False, /) -> str\n\n"
                                 "What stands above the rows of a ranking.");

static PyObject *ranking_header(PyObject *module, PyObject *args)
{
    char text[LINE_REPORT_HEADER_SIZE];
    int peak = 0;

    (void)module;
    if (!PyArg_ParseTuple(args, "|p:ranking_header", &peak))
        return NULL;
    line_report_ranking_header(text, peak);
    return PyUnicode_FromString(text);
}

PyDoc_STRVAR(
    format_ranked_doc,
    "format_ranked(increment, memory, occurrences, peak, text, precision, growth=-1, /) "
    "-> str\n\n"
    "One row of a ranking. Memory is in MiB; peak may be None, as in all rows of the list.\n"
    "For growth see format_row().");

static PyObject *format_ranked(PyObject *module, PyObject *args)
{
    struct line_report_row row = {.measured = 1, .is_ranked = true};
    char prefix[LINE_REPORT_PREFIX_SIZE];
    PyObject *peak, *text;
    double growth = -1;
    long long hits;
    int precision;

    (void)module;
    if (!PyArg_ParseTuple(args, "ddLOUi|d:format_ranked", &row.increment, &row.mem, &hits, &peak,
                          &text, &precision, &growth))
        return NULL;
    row.hits = hits;
    row.has_peak = peak != Py_None;
    if (row.has_peak && (row.peak = PyFloat_AsDouble(peak)) == -1 && PyErr_Occurred())
        return NULL;
    if (line_report_prefix(prefix, &row, precision, growth) < 0)
        return PyErr_Format(PyExc_ValueError, "precision must be from 0 to %d, not %d",
                            LINE_REPORT_MAX_PRECISION, precision);
    return PyUnicode_FromFormat("%s%U\n", prefix, text);
}

PyDoc_STRVAR(format_peak_doc, "format_peak(whose, mebibytes, seconds, precision, /) -> str\n\n"
                              "What is said of a peak before its place.");

static PyObject *format_peak(PyObject *module, PyObject *args)
{
    char text[LINE_REPORT_PREFIX_SIZE];
    const char *whose;
    double mebibytes, seconds;
    int precision;

    (void)module;
    if (!PyArg_ParseTuple(args, "sddi:format_peak", &whose, &mebibytes, &seconds, &precision))
        return NULL;
    if (line_report_peak(text, whose, mebibytes, seconds, precision) < 0)
        return PyErr_Format(PyExc_ValueError, "precision must be from 0 to %d, not %d",
                            LINE_REPORT_MAX_PRECISION, precision);
    return PyUnicode_FromString(text);
}

PyDoc_STRVAR(set_exact_doc, "set_exact(flag, /)\n\n"
                            "Read at every event: affects profilers made from now on.");

static PyObject *set_exact(PyObject *module, PyObject *flag)
{
    module_state_of(module)->exact = PyObject_IsTrue(flag) == 1;
    Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
    {"read_profile", read_profile, METH_O, read_profile_doc},
    {"format_row", format_row, METH_VARARGS, format_row_doc},
    {"table_header", table_header, METH_VARARGS, table_header_doc},
    {"format_call", format_call, METH_VARARGS, format_call_doc},
    {"ranking_header", ranking_header, METH_VARARGS, ranking_header_doc},
    {"format_ranked", format_ranked, METH_VARARGS, format_ranked_doc},
    {"format_peak", format_peak, METH_VARARGS, format_peak_doc},
    {"save_every", periodic_save_every, METH_VARARGS, periodic_save_every_doc},
    {"set_exact", set_exact, METH_O, set_exact_doc},
    {NULL, NULL, 0, NULL},
};

static int add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int error = type == NULL ? -1 : PyModule_AddType(module, (PyTypeObject *)type);

    Py_XDECREF(type);
    return error;
}

static const struct state_part parts[] = {
    {memory_source_init, memory_source_release},
    {code_extra_init, NULL},
    {fibres_init, fibres_release},
    {tracer_init, tracer_release},
    {live_tables_init, live_tables_release},
    {highest_init, highest_release},
    {periodic_save_init, periodic_save_release},
    {NULL, NULL},
};

static int module_exec(PyObject *module)
{
    struct module_state **state = PyModule_GetState(module);

    *state = module_state_get(parts);
    if (*state == NULL || add_type(module, &line_profiler_type_spec) != 0 ||
        add_type(module, &span_recorder_type_spec) != 0 ||
        add_type(module, &call_view_type_spec) != 0 ||
        add_type(module, &import_waiter_type_spec) != 0 ||
        add_type(module, &wrapped_type_spec) != 0 || memory_usage_add(module) != 0 ||
        asking_signal_add(module) != 0 || pending_call_add(module) != 0 ||
        collector_add(module) != 0 || tracemalloc_lease_add(module) != 0 ||
        table_view_add(module) != 0 || ranking_add(module) != 0 || exec_hook_add(module) != 0 ||
        live_tables_add(module) != 0 || untraced_hooks_add(module) != 0 ||
        heap_view_add(module) != 0 || heap_numbers_add(module) != 0 ||
        heap_flame_add(module) != 0 || resident_view_add(module) != 0 ||
        census_view_add(module) != 0 || owners_view_add(module) != 0 ||
        births_view_add(module) != 0 || type_watch_add(module) != 0 ||
        heap_watch_add(module) != 0 || side_thread_add(module) != 0 || uncaught_add(module) != 0 ||
        program_run_add(module) != 0 || memory_source_add(module) != 0 ||
        line_profiler_type_add_functions(module) != 0 ||
        PyModule_AddObjectRef(module, "shared", (*state)->shared) != 0 ||
        PyModule_AddStringConstant(module, "call_header", call_report_header) != 0)
        return -1;
    return PyModule_AddStringConstant(module, "version", MEMPROF_VERSION);
}

static void module_free(void *module)
{
    struct module_state **state = PyModule_GetState(module);

    /* A module whose module_exec() failed may have no state. */
    if (state != NULL && *state != NULL)
        module_state_drop(*state);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "memory_profiler._memprof",
    .m_doc = "The measuring core of memory_profiler.",
    .m_size = sizeof(struct module_state *),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__memprof(void)
{
    return PyModuleDef_Init(&module_def);
}
