#include "memprof/ext/table_view.h"

#include <math.h>

#include "memprof/lines/line_report.h"

#define MIB 1048576.0

struct table_view {
    const struct line_table *table; /* NULL: gone */
    unsigned columns;
    double ns_per_tick;
    double growth; /* bytes, up and down, of all lines but the first row */
    double ticks;  /* of all lines */
};

static const char capsule_name[] = "memory_profiler.table";

static void free_view(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, capsule_name));
}

PyObject *table_view_new(struct module_state *state, const struct line_table *table,
                         unsigned columns)
{
    struct table_view *view = PyMem_Calloc(1, sizeof *view);
    PyObject *capsule;

    if (view == NULL)
        return PyErr_NoMemory();
    view->table = table;
    view->columns = columns;
    view->ns_per_tick = columns & LINE_TIME ? clock_rate_ns_per_tick(&state->tick_rate) : 0;
    for (int i = 0; i < table->n_rows; i++) {
        /* The first row is the memory at the first call, not growth. */
        view->growth += i == 0 ? 0 : fabs((double)table->rows[i].increment);
        view->ticks += (double)table->rows[i].ticks;
    }
    capsule = PyCapsule_New(view, capsule_name, free_view);
    if (capsule == NULL)
        PyMem_Free(view);
    return capsule;
}

void table_view_end(PyObject *capsule)
{
    struct table_view *view = PyCapsule_GetPointer(capsule, capsule_name);

    view->table = NULL;
}

static const struct table_view *view_of(PyObject *capsule)
{
    const struct table_view *view = PyCapsule_GetPointer(capsule, capsule_name);

    if (view != NULL && view->table == NULL) {
        PyErr_SetString(PyExc_ValueError, "the table has been printed and is gone");
        return NULL;
    }
    return view;
}

PyDoc_STRVAR(table_facts_doc, "table_facts(table, /) -> (peak, time, seconds)\n\n"
                              "Whether it has these columns, and the time of all its lines.");

static PyObject *table_facts(PyObject *module, PyObject *capsule)
{
    const struct table_view *view = view_of(capsule);

    (void)module;
    if (view == NULL)
        return NULL;
    return Py_BuildValue("NNd", PyBool_FromLong(view->columns & LINE_PEAK),
                         PyBool_FromLong(view->columns & LINE_TIME),
                         view->ticks * view->ns_per_tick / 1e9);
}

static void fill_row(const struct table_view *view, const struct line_row *row,
                     struct line_report_row *report)
{
    double microseconds = (double)row->ticks * view->ns_per_tick / 1e3;

    report->measured = line_row_used(row);
    report->increment = (double)row->increment / MIB;
    report->mem = (double)row->mem / MIB;
    report->hits = (int64_t)row->hits;
    report->peak = (double)row->peak / MIB;
    report->time = microseconds;
    report->per_hit = microseconds / (double)(row->hits == 0 ? 1 : row->hits);
    report->percent = view->ticks > 0 ? 100 * (double)row->ticks / view->ticks : 0;
}

/* Columns that the table has where they are given. */
static bool read_heap(struct line_report_row *report, PyObject *heap)
{
    long long allocations;

    report->has_heap = heap != Py_None;
    if (!report->has_heap)
        return true;
    if (!PyArg_ParseTuple(heap, "dLdd", &report->allocated, &allocations, &report->at_peak,
                          &report->left))
        return false;
    report->allocations = allocations;
    return true;
}

PyDoc_STRVAR(table_row_doc,
             "table_row(table, line, text, precision, colour, heap=None, /) -> str or None\n\n"
             "One row, with its source text; None for a line that never ran and has no text. heap\n"
             "is what the line has allocated: (MiB, allocations, MiB at the peak, MiB left).");

static PyObject *table_row(PyObject *module, PyObject *args)
{
    struct line_report_row report = {0};
    char prefix[LINE_REPORT_PREFIX_SIZE];
    const struct table_view *view;
    const struct line_row *row = NULL;
    PyObject *capsule, *text, *heap = Py_None;
    int line, at, precision, colour;

    (void)module;
    if (!PyArg_ParseTuple(args, "OiOip|O:table_row", &capsule, &line, &text, &precision, &colour,
                          &heap) ||
        (view = view_of(capsule)) == NULL || !read_heap(&report, heap))
        return NULL;
    at = line - view->table->first_line;
    if (at >= 0 && at < view->table->n_rows)
        row = &view->table->rows[at];
    if (row != NULL)
        fill_row(view, row, &report);
    report.is_heap_known = report.has_heap && report.measured;
    if (!report.measured && text == Py_None)
        Py_RETURN_NONE;
    report.line = line;
    report.has_peak = (view->columns & LINE_PEAK) != 0;
    report.has_time = (view->columns & LINE_TIME) != 0;
    if (line_report_prefix(prefix, &report, precision, colour && at > 0 ? view->growth / MIB : -1) <
        0)
        return PyErr_Format(PyExc_ValueError, "precision must be from 0 to %d, not %d",
                            LINE_REPORT_MAX_PRECISION, precision);
    return text == Py_None ? PyUnicode_FromFormat("%s\n", prefix)
                           : PyUnicode_FromFormat("%s%U", prefix, text);
}

static PyMethodDef methods[] = {
    {"table_facts", table_facts, METH_O, table_facts_doc},
    {"table_row", table_row, METH_VARARGS, table_row_doc},
    {NULL, NULL, 0, NULL},
};

int table_view_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
