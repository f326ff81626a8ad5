/*
 * Two types that stand in the program's own machinery (sys.meta_path, functions of modules) for
 * Python code of ours: the program's tracers and debuggers never see a frame of that.
 */
#ifndef MEMPROF_EXT_UNTRACED_HOOKS_H
#define MEMPROF_EXT_UNTRACED_HOOKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* _memprof.ImportWaiter(name, found), a finder for sys.meta_path. */
extern PyType_Spec import_waiter_type_spec;

/* _memprof.Wrapped(function, before=None, after=None). */
extern PyType_Spec wrapped_type_spec;

/* The function quietly(function, argument) of the module. 0, or -1 with an exception. */
int untraced_hooks_add(PyObject *module);

#endif
