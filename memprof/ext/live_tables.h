/* The black box of an interpreter's line tables, for Python: made, given a file, named, read. */
#ifndef MEMPROF_EXT_LIVE_TABLES_H
#define MEMPROF_EXT_LIVE_TABLES_H

#include "memprof/ext/base/module_state.h"

/* Adds the functions live_*() to the module. 0, or -1 with an exception. */
int live_tables_add(PyObject *module);

/* Part of the state. */
int live_tables_init(struct module_state *state);
void live_tables_release(struct module_state *state);

#endif
