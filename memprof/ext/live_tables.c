#include "memprof/ext/live_tables.h"

#include <stdlib.h>

#include "memprof/ext/table_to_list.h"
#include "memprof/lines/line_box.h"
#include "memprof/lines/line_box_reader.h"
#include "memprof/machine/black_box_reader.h"

/* ---- the process' own box ---- */

int live_tables_init(struct module_state *state)
{
    (void)state; /* there is none until live_start() */
    return 0;
}

void live_tables_release(struct module_state *state)
{
    struct line_box *box = state->engine.box;

    if (box == NULL)
        return;
    line_box_release(box);
    free(box);
}

static PyObject *os_error(int error, PyObject *path)
{
    errno = -error;
    return PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
}

static PyObject *none_or_error(int error, PyObject *path)
{
    return error == 0 ? Py_NewRef(Py_None) : os_error(error, path);
}

PyDoc_STRVAR(live_start_doc,
             "live_start()\n\n"
             "Keep tables that are made from now on where they can be found after a crash. Raises\n"
             "OSError.");

static PyObject *live_start(PyObject *module, PyObject *unused)
{
    struct module_state *state = module_state_of(module);
    struct line_box *box;
    int error;

    (void)unused;
    if (state->engine.box != NULL)
        Py_RETURN_NONE;
    box = malloc(sizeof *box);
    error = box == NULL ? -ENOMEM : line_box_init(box, &state->engine, line_stacks_lose);
    if (error != 0)
        free(box);
    return none_or_error(error, NULL);
}

PyDoc_STRVAR(live_move_doc,
             "live_move(path, /)\n\n"
             "Keep them in a file of this name, which must not be there. Raises OSError; ENOTSUP:\n"
             "the file system cannot promise space.");

static PyObject *live_move(PyObject *module, PyObject *path)
{
    struct line_box *box = module_state_of(module)->engine.box;
    PyObject *bytes;
    int error;

    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    error = box == NULL ? -EINVAL : black_box_move(&box->box, PyBytes_AS_STRING(bytes));
    Py_DECREF(bytes);
    return none_or_error(error, path);
}

PyDoc_STRVAR(live_head_doc, "live_head(text, /)\n\nWhat is to be said of the process, in bytes.");

static PyObject *live_head(PyObject *module, PyObject *text)
{
    struct line_box *box = module_state_of(module)->engine.box;

    if (!PyBytes_Check(text))
        return PyErr_Format(PyExc_TypeError, "live_head() needs bytes");
    if (box != NULL)
        line_box_tell_head(box, PyBytes_AS_STRING(text), (size_t)PyBytes_GET_SIZE(text));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(live_end_doc,
             "live_end() -> (int, int, bool)\n\n"
             "Remove the file. Returns how many records found no room in it, why (errno), and\n"
             "whether somebody cut it short, so that all counting began anew.");

static PyObject *live_end(PyObject *module, PyObject *unused)
{
    struct line_box *box = module_state_of(module)->engine.box;

    (void)unused;
    if (box == NULL)
        return Py_BuildValue("iiO", 0, 0, Py_False);
    black_box_remove_file(&box->box);
    return Py_BuildValue("Lii", (long long)box->box.n_missing, -box->box.last_error,
                         box->box.was_cut);
}

PyDoc_STRVAR(live_is_held_doc,
             "live_is_held(path, /) -> bool or None\n\n"
             "Whether the process that wrote such a file still does; None: it is no such file.\n"
             "Raises OSError.");

static PyObject *live_is_held(PyObject *module, PyObject *path)
{
    PyObject *bytes;
    int held;

    (void)module;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    held = black_box_is_held(PyBytes_AS_STRING(bytes));
    Py_DECREF(bytes);
    if (held == -EINVAL)
        Py_RETURN_NONE;
    return held < 0 ? os_error(held, path) : PyBool_FromLong(held);
}

/* ---- a box that was left ---- */

/* (name or None, rows, ledger): see live_read(). */
static PyObject *function_to_tuple(const struct line_box_function *function)
{
    const struct line_table *table = function->table;
    PyObject *rows = table_to_raw_list(table);

    if (rows == NULL)
        return NULL;
    return Py_BuildValue(
        "y#N{s:i,s:L,s:L,s:L,s:L,s:L,s:L}", function->name, (Py_ssize_t)function->name_length, rows,
        "first_line", table->first_line, "entry_bytes", (long long)table->entry_bytes,
        "segments_bytes", (long long)line_box_segments(function), "outermost_bytes",
        (long long)line_box_outermost(function), "tool_bytes", (long long)table->tool_bytes,
        "increments_bytes", (long long)line_table_sum(table), "in_flight_bytes",
        (long long)line_box_in_flight(function));
}

static PyObject *functions_to_list(const struct line_box_view *view)
{
    PyObject *list = PyList_New((Py_ssize_t)view->n_functions), *item;

    for (size_t i = 0; list != NULL && i < view->n_functions; i++) {
        item = function_to_tuple(&view->functions[i]);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *running_to_list(const struct line_box_view *view)
{
    PyObject *list = PyList_New((Py_ssize_t)view->n_running), *item;

    for (size_t i = 0; list != NULL && i < view->n_running; i++) {
        item =
            Py_BuildValue("KnL", (unsigned long long)view->running[i].thread,
                          (Py_ssize_t)view->running[i].function, (long long)view->running[i].line);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

static PyObject *view_to_tuple(const struct line_box_view *view)
{
    PyObject *functions = functions_to_list(view), *running = NULL;

    if (functions != NULL)
        running = running_to_list(view);
    if (running == NULL) {
        Py_XDECREF(functions);
        return NULL;
    }
    return Py_BuildValue("y#LNN(KiN)", view->head, (Py_ssize_t)view->head_length,
                         (long long)view->pid, functions, running,
                         (unsigned long long)view->n_missing, -view->last_error,
                         PyBool_FromLong(view->was_cut));
}

PyDoc_STRVAR(
    live_read_doc,
    "live_read(bytes, /) -> (head or None, pid, functions, running, lacks)\n\n"
    "What such a file holds. A function is (name or None, rows, ledger): a row (line,\n"
    "increment in bytes, largest memory in bytes, occurrences, peak in bytes, ticks), and\n"
    "the ledger with in_flight_bytes, by which it does not balance. A thread that was in\n"
    "a function is (number, index of the function, line). What it lacks: see live_end().\n"
    "ValueError: it is no such file.");

static PyObject *live_read(PyObject *module, PyObject *bytes)
{
    struct line_box_view view;
    PyObject *result = NULL;
    int error;

    (void)module;
    if (!PyBytes_Check(bytes))
        return PyErr_Format(PyExc_TypeError, "live_read() needs bytes");
    error = line_box_read(&view, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    if (error == -ENOMEM)
        PyErr_NoMemory();
    else if (error != 0)
        PyErr_SetString(PyExc_ValueError, "it holds no live tables");
    else
        result = view_to_tuple(&view);
    line_box_view_release(&view);
    return result;
}

static PyMethodDef functions[] = {
    {"live_start", live_start, METH_NOARGS, live_start_doc},
    {"live_move", live_move, METH_O, live_move_doc},
    {"live_head", live_head, METH_O, live_head_doc},
    {"live_end", live_end, METH_NOARGS, live_end_doc},
    {"live_is_held", live_is_held, METH_O, live_is_held_doc},
    {"live_read", live_read, METH_O, live_read_doc},
    {NULL, NULL, 0, NULL},
};

int live_tables_add(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
