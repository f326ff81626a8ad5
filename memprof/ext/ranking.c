#include "memprof/ext/ranking.h"

#include "memprof/ext/line_profiler_object.h"
#include "memprof/lines/line_ranking.h"

static const char capsule_name[] = "memory_profiler.ranking";

static void free_ranking(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, capsule_name));
}

PyDoc_STRVAR(new_ranking_doc, "new_ranking(by_peak, /) -> ranking\n\n"
                              "Without lines yet, for Profiler.rank() and ranked().");

static PyObject *new_ranking(PyObject *module, PyObject *by_peak)
{
    struct line_ranking *ranking = PyMem_Malloc(sizeof *ranking);
    PyObject *capsule;

    (void)module;
    if (ranking == NULL)
        return PyErr_NoMemory();
    line_ranking_init(ranking, PyObject_IsTrue(by_peak) == 1);
    capsule = PyCapsule_New(ranking, capsule_name, free_ranking);
    if (capsule == NULL)
        PyMem_Free(ranking);
    return capsule;
}

const char profiler_rank_doc[] = "rank(index, ranking, which, /)\n\n"
                                 "Put the lines of a function into a ranking, which calls it so.";

PyObject *profiler_rank(PyObject *profiler, PyObject *args)
{
    struct line_ranking *ranking;
    const struct line_function *function;
    Py_ssize_t index, which;
    PyObject *capsule;

    if (!PyArg_ParseTuple(args, "nOn:rank", &index, &capsule, &which))
        return NULL;
    ranking = PyCapsule_GetPointer(capsule, capsule_name);
    function = ranking == NULL
                   ? NULL
                   : line_profiler_function_at((struct profiler_object *)profiler, index);
    if (function == NULL)
        return NULL;
    if (function->table != NULL)
        line_ranking_add(ranking, (size_t)which, function->table);
    Py_RETURN_NONE;
}

static PyObject *list_of(const struct ranked_lines *ranked)
{
    PyObject *list = PyList_New(0), *item;

    for (int i = 0; list != NULL && i < ranked->n; i++) {
        const struct ranked_line *line = &ranked->lines[i];

        item = Py_BuildValue("niLLKL", (Py_ssize_t)line->table, line->line, (long long)line->growth,
                             (long long)line->row.mem, (unsigned long long)line->row.hits,
                             (long long)line->row.peak);
        if (item == NULL || PyList_Append(list, item) != 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

PyDoc_STRVAR(
    ranked_doc,
    "ranked(ranking, /) -> (list, list)\n\n"
    "The lines that grew most and those that peaked, ten at most, the highest first: each\n"
    "(which, line, growth in bytes, largest memory in bytes, occurrences, peak in bytes).");

static PyObject *ranked(PyObject *module, PyObject *capsule)
{
    const struct line_ranking *ranking = PyCapsule_GetPointer(capsule, capsule_name);

    (void)module;
    if (ranking == NULL)
        return NULL;
    return Py_BuildValue("NN", list_of(&ranking->grew), list_of(&ranking->peaked));
}

static PyMethodDef functions[] = {
    {"new_ranking", new_ranking, METH_O, new_ranking_doc},
    {"ranked", ranked, METH_O, ranked_doc},
    {NULL, NULL, 0, NULL},
};

int ranking_add(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
