/* Which Python runs a script that was named without one. */
#ifndef MPROF_FIND_PYTHON_H
#define MPROF_FIND_PYTHON_H

#include <signal.h>

/*
 * In this order: MPROF_PYTHON, unasked; the one that started `python -m mprof`; the one beside the
 * mprof that runs, links resolved; the one in whose site-packages it is; python3 and python of
 * PATH. It must be able to import memory_profiler. To be freed. NULL, after one line for `command`:
 * none is, or no memory. `mask`: the signals that those which are asked have blocked.
 */
char *find_python(const char *command, const sigset_t *mask);

#endif
