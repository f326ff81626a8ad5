/*
 * Who waits for modules to begin is told when their code is handed to exec(): importlib, runpy,
 * zipimport and all other loaders written in Python call that. Nothing else of the program is
 * watched for it.
 */
#ifndef MEMPROF_EXT_EXEC_HOOK_H
#define MEMPROF_EXT_EXEC_HOOK_H

#include "memprof/ext/base/module_state.h"

/* The function on_modules(callback or None) of the module. 0, or -1 with an exception. */
int exec_hook_add(PyObject *module);

#endif
