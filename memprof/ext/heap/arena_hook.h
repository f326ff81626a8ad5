/*
 * What the interpreter maps for itself: arenas of its small blocks, and frames. The blocks are
 * counted, so their arenas are not: while the allocator of arenas runs, hooks see nothing.
 */
#ifndef MEMPROF_EXT_ARENA_HOOK_H
#define MEMPROF_EXT_ARENA_HOOK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Wraps the allocator that is there, if what it does does not come to us yet. */
void arena_hook_install(void);

/* Puts it back, unless somebody has wrapped ours: then it passes through. */
void arena_hook_remove(void);

/* An arena as if it were the program's, for who asks whether that is seen; NULL: no memory. */
void *arena_hook_map(void);
void arena_hook_unmap(void *arena); /* NULL is nothing */

#endif
