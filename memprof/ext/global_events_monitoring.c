#include <stdlib.h>

#include "memprof/ext/call_view.h"
#include "memprof/ext/global_events.h"
#include "memprof/ext/monitoring_tool.h"

enum event {
    EVENT_START,
    EVENT_RESUME,
    EVENT_THROW,
    EVENT_RETURN,
    EVENT_YIELD,
    EVENT_UNWIND,
    N_EVENTS,
};

struct global_events {
    struct monitoring_tool tool;
    long events; /* that are sent */
};

static PyObject *on_start(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    struct module_state *state = monitoring_state(self);

    (void)n, (void)names;
    if (__builtin_expect(state->on_module != NULL, 0))
        global_events_begin(state, args[0], PyEval_GetGlobals());
    if (state->calls == NULL)
        return Py_NewRef(state->global->tool.disable); /* this code was seen: it costs no more */
    call_view_start(state, args[0], monitoring_frame(PyThreadState_GetUnchecked()));
    Py_RETURN_NONE;
}

static PyObject *on_resume(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    (void)n, (void)names;
    call_view_resume(monitoring_state(self), args[0],
                     monitoring_frame(PyThreadState_GetUnchecked()));
    Py_RETURN_NONE;
}

static PyObject *on_leave(PyObject *self, PyObject *const *args, size_t n, PyObject *names)
{
    (void)args;
    (void)n, (void)names;
    call_view_leave(monitoring_state(self), monitoring_frame(PyThreadState_GetUnchecked()));
    Py_RETURN_NONE;
}

static const struct monitoring_event call_events[N_EVENTS] = {
    [EVENT_START] = {"PY_START", on_start},  [EVENT_RESUME] = {"PY_RESUME", on_resume},
    [EVENT_THROW] = {"PY_THROW", on_resume}, [EVENT_RETURN] = {"PY_RETURN", on_leave},
    [EVENT_YIELD] = {"PY_YIELD", on_leave},  [EVENT_UNWIND] = {"PY_UNWIND", on_leave},
};

int global_events_init(PyObject *module, struct module_state *state)
{
    state->global = calloc(1, sizeof *state->global);
    if (state->global == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return monitoring_tool_init(&state->global->tool, module, state, call_events, N_EVENTS);
}

void global_events_release(struct module_state *state)
{
    if (state->global == NULL)
        return;
    monitoring_tool_release(&state->global->tool);
    free(state->global);
    state->global = NULL;
}

int global_events_update(struct module_state *state)
{
    struct global_events *global = state->global;
    long wanted = 0;

    for (int i = 0; i < N_EVENTS; i++)
        if (state->calls != NULL || (i == EVENT_START && state->on_module != NULL))
            wanted |= global->tool.bits[i];
    if (wanted == global->events)
        return 0;
    global->events = wanted;
    if (wanted == 0) {
        monitoring_tool_close(&global->tool);
        return 0;
    }
    if (monitoring_tool_open(&global->tool) == 0 &&
        monitoring_tool_set_events(&global->tool, wanted) == 0)
        return 0;
    global->events = 0;
    return -1;
}
