/*
 * The whole program's calls as the interpreter reports them: code objects become functions of a
 * struct call_graph, threads its stacks. There is one view at a time.
 */
#ifndef MEMPROF_EXT_CALL_VIEW_H
#define MEMPROF_EXT_CALL_VIEW_H

#include "memprof/ext/base/module_state.h"

extern PyType_Spec call_view_type_spec;

/* Events; `key` is the interpreter's frame. Nothing happens while no view is on. */
void call_view_start(struct module_state *state, PyObject *code, const void *key);
void call_view_resume(struct module_state *state, PyObject *code, const void *key);
void call_view_leave(struct module_state *state, const void *key);

#endif
