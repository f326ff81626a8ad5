/*
 * How deep a thread is in Python's recursion, in frames: sys.setrecursionlimit() bounds it. What of
 * ours runs below the program does not count against the program's limit, nor does what runs above
 * it, where the program may be at its limit: a lookup in a dict fails there.
 */
#ifndef MEMPROF_EXT_RECURSION_H
#define MEMPROF_EXT_RECURSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define RECURSION_ROOM 200 /* frames: more than ours ever need */

static inline int recursion_depth(const PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030C0000
    return thread->py_recursion_limit - thread->py_recursion_remaining;
#elif PY_VERSION_HEX >= 0x030B0000
    return thread->recursion_limit - thread->recursion_remaining;
#else
    return thread->recursion_depth;
#endif
}

/* From now on the thread is taken to be so deep; what it was. Below 0: there is room for ours. */
static inline int recursion_set_depth(PyThreadState *thread, int depth)
{
    int before = recursion_depth(thread);

#if PY_VERSION_HEX >= 0x030C0000
    thread->py_recursion_remaining = thread->py_recursion_limit - depth;
#elif PY_VERSION_HEX >= 0x030B0000
    thread->recursion_remaining = thread->recursion_limit - depth;
#else
    thread->recursion_depth = depth;
#endif
    return before;
}

/* What gives it back: recursion_set_depth() with the result. */
static inline int recursion_give_room(PyThreadState *thread)
{
    return recursion_set_depth(thread, recursion_depth(thread) - RECURSION_ROOM);
}

#endif
