/*
 * Where the program was when memory was higher than ever before: in which line, and called from
 * where. It is noted when a reading finds a new highest, which is rare, and costs other events
 * nothing; no line is looked up before somebody asks. One for each interpreter, of one meter.
 */
#ifndef MEMPROF_EXT_HIGHEST_H
#define MEMPROF_EXT_HIGHEST_H

#include "memprof/ext/base/module_state.h"

int highest_init(struct module_state *state);
void highest_release(struct module_state *state);

/* Methods of a Profiler: whose readings are followed from now on, and what was found. */
PyObject *profiler_note_highest(PyObject *profiler, PyObject *unused);
PyObject *profiler_highest(PyObject *profiler, PyObject *unused);
extern const char profiler_note_highest_doc[], profiler_highest_doc[];

#endif
