#include "memprof/ext/table_to_list.h"

static PyObject *number_or_none(int there, int64_t number)
{
    return there ? PyLong_FromLongLong(number) : Py_NewRef(Py_None);
}

PyObject *table_to_list(struct module_state *state, const struct line_table *table,
                        unsigned columns)
{
    PyObject *rows = PyList_New(0), *item;
    double ns_per_tick = columns & LINE_TIME ? clock_rate_ns_per_tick(&state->tick_rate) : 0;
    int error = rows == NULL;

    for (int i = 0; !error && i < table->n_rows; i++) {
        const struct line_row *row = &table->rows[i];

        if (!line_row_used(row))
            continue;
        item = Py_BuildValue(
            "iLLKNN", table->first_line + i, (long long)row->increment, (long long)row->mem,
            (unsigned long long)row->hits, number_or_none(columns & LINE_PEAK, row->peak),
            number_or_none(columns & LINE_TIME, (int64_t)((double)row->ticks * ns_per_tick)));
        error = item == NULL || PyList_Append(rows, item) != 0;
        Py_XDECREF(item);
    }
    if (error)
        Py_CLEAR(rows);
    return rows;
}

PyObject *table_to_raw_list(const struct line_table *table)
{
    PyObject *rows = PyList_New(0), *item;
    int error = rows == NULL;

    for (int i = 0; !error && i < table->n_rows; i++) {
        const struct line_row *row = &table->rows[i];

        if (!line_row_used(row))
            continue;
        item = Py_BuildValue("LLLKLK", (long long)table->first_line + i, (long long)row->increment,
                             (long long)row->mem, (unsigned long long)row->hits,
                             (long long)row->peak, (unsigned long long)row->ticks);
        error = item == NULL || PyList_Append(rows, item) != 0;
        Py_XDECREF(item);
    }
    if (error)
        Py_CLEAR(rows);
    return rows;
}

PyObject *table_ledger(const struct line_function *function)
{
    const struct line_table *table = function->table;
    int64_t segments = table->segments_bytes + line_function_open_bytes(function);
    int64_t outermost = table->outermost_bytes + line_function_open_outermost_bytes(function);

    return Py_BuildValue("{s:i,s:L,s:L,s:L,s:L,s:L}", "first_line", table->first_line,
                         "entry_bytes", (long long)table->entry_bytes, "segments_bytes",
                         (long long)segments, "outermost_bytes", (long long)outermost, "tool_bytes",
                         (long long)table->tool_bytes, "increments_bytes",
                         (long long)line_table_sum(table));
}
