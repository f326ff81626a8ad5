#include "memprof/ext/trace/code_extra.h"

#include <opcode.h>
#include <stdlib.h>

#include "memprof/ext/trace/inert_exits.h"
#include "memprof/ext/trace/span_watch.h"
#include "memprof/ext/trace/tracer.h"
#include "memprof/lines/line_lifetime.h"

#if PY_VERSION_HEX < 0x030C0000
#define PyUnstable_Eval_RequestCodeExtraIndex _PyEval_RequestCodeExtraIndex
#define PyUnstable_Code_GetExtra _PyCode_GetExtra
#define PyUnstable_Code_SetExtra _PyCode_SetExtra
#endif

#define RESUMABLE (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)

static void free_extra(void *object)
{
    struct code_extra *extra = object;

    /* The interpreter calls this also for code that has room for an extra, and no extra. */
    if (extra == NULL)
        return;
    code_extra_forget_last(extra->state);
    tracer_forget(extra->state, &extra->lines);
    line_code_forget(&extra->lines);
    span_watch_forget(&extra->lines);
    free((void *)extra->lines.lines);
    free((void *)extra->lines.opcodes);
    free(extra->lines.inert_exits);
    /* Last: all that comes before needs the state, which may end here. */
    module_state_drop(extra->state);
    free(extra);
}

int code_extra_init(struct module_state *state)
{
    state->extra_index = PyUnstable_Eval_RequestCodeExtraIndex(free_extra);
    if (state->extra_index >= 0)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "memory_profiler: no free slot in code objects");
    return -1;
}

struct line_code *line_code_find(const struct module_state *state, PyObject *code)
{
    void *extra = NULL;

    if (PyUnstable_Code_GetExtra(code, state->extra_index, &extra) != 0)
        PyErr_Clear();
    return extra;
}

/* Calls `use` for each (start, end, line) of the code; offsets in bytes. */
static int each_range(PyObject *code, void (*use)(void *, int, int, int), void *context)
{
    PyObject *ranges = PyObject_CallMethod(code, "co_lines", NULL), *range;
    int start, end, line;

    if (ranges == NULL)
        return -1;
    while ((range = PyIter_Next(ranges)) != NULL) {
        PyObject *third = PyTuple_GetItem(range, 2);

        if (third != NULL && third != Py_None) {
            if (!PyArg_ParseTuple(range, "iii", &start, &end, &line)) {
                Py_DECREF(range);
                break;
            }
            use(context, start, end, line);
        }
        Py_DECREF(range);
    }
    Py_DECREF(ranges);
    return PyErr_Occurred() ? -1 : 0;
}

struct line_map {
    int *lines;
    unsigned char *opcodes, *inert_exits;
    int n;
};

static void fill_range(void *context, int start, int end, int line)
{
    struct line_map *map = context;

    for (int at = start / CODE_UNIT; at < end / CODE_UNIT && at < map->n; at++)
        map->lines[at] = line;
}

static void raise_to_line(void *context, int start, int end, int line)
{
    (void)start;
    (void)end;
    if (line > *(int *)context)
        *(int *)context = line;
}

int code_extra_last_line(PyObject *code)
{
    int last = ((PyCodeObject *)code)->co_firstlineno;

    return each_range(code, raise_to_line, &last) == 0 ? last : -1;
}

/* The first RESUME of a code is the one of its start; before Python 3.11 there was none. */
static int find_start(const struct line_map *map)
{
    int at = 0;

#ifdef RESUME
    while (at < map->n && map->opcodes[at] != RESUME)
        at++;
#else
    (void)map;
#endif
    return at;
}

static int make_lines(PyObject *code, struct line_map *map)
{
    PyObject *bytes = PyObject_GetAttrString(code, "co_code");

    if (bytes == NULL)
        return -1;
    map->n = (int)(PyBytes_Size(bytes) / CODE_UNIT);
    /* One more than needed: malloc(0) may return NULL, which would look like no memory. */
    map->lines = calloc((size_t)map->n + 1, sizeof *map->lines);
    map->opcodes = malloc((size_t)map->n + 1);
    for (int i = 0; i < map->n && map->opcodes != NULL; i++)
        map->opcodes[i] = (unsigned char)PyBytes_AS_STRING(bytes)[i * CODE_UNIT];
    Py_DECREF(bytes);
    map->inert_exits = malloc((size_t)map->n + 1);
    if (map->lines == NULL || map->opcodes == NULL || map->inert_exits == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (each_range(code, fill_range, map) != 0)
        return -1;
    if (inert_exits_find(map->lines, map->opcodes, map->n, map->inert_exits) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* Gives a code room for our index alone. SetExtra would give it as many slots as there are askers,
   and when such a code dies each of them is called, with NULL for a value: also a callback of the
   program's that is long gone, for a code it never touched. What follows is `_PyCodeObjectExtra`,
   which is in no header but the same on all versions. */
static int make_room(PyObject *code, Py_ssize_t index)
{
    struct {
        Py_ssize_t size;
        void *extras[];
    } * room;

    if (((PyCodeObject *)code)->co_extra != NULL)
        return 0;
    room = PyMem_Calloc(1, sizeof *room + (size_t)(index + 1) * sizeof(void *));
    if (room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    room->size = index + 1;
    ((PyCodeObject *)code)->co_extra = (void *)room;
    return 0;
}

struct line_code *line_code_make_bare(struct module_state *state, PyObject *code)
{
    struct line_code *found = line_code_find(state, code);
    struct code_extra *extra;

    if (found != NULL)
        return found;
    extra = calloc(1, sizeof *extra);
    if (extra == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (make_room(code, state->extra_index) != 0 ||
        PyUnstable_Code_SetExtra(code, state->extra_index, extra) != 0) {
        free(extra);
        return NULL;
    }
    extra->state = module_state_keep(state);
    extra->code = code;
    extra->lines.first_line = ((PyCodeObject *)code)->co_firstlineno;
    extra->lines.resumable = (((PyCodeObject *)code)->co_flags & RESUMABLE) != 0;
    code_extra_forget_last(state);
    return &extra->lines;
}

struct line_code *line_code_make(struct module_state *state, PyObject *code)
{
    struct line_code *extra = line_code_make_bare(state, code);
    struct line_map map = {NULL, NULL, NULL, 0};

    if (extra == NULL || extra->lines != NULL)
        return extra;
    if (make_lines(code, &map) != 0) {
        free(map.lines);
        free(map.opcodes);
        free(map.inert_exits);
        return NULL;
    }
    extra->start = find_start(&map);
    extra->lines = map.lines;
    extra->opcodes = map.opcodes;
    extra->inert_exits = map.inert_exits;
    extra->n_lines = map.n;
    return extra;
}
