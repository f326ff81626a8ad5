/*
 * The interpreter's allocators of objects and of their memory (PYMEM_DOMAIN_OBJ and _MEM, small
 * blocks of pymalloc among them), seen by alloc_log_active. What they return is as without us.
 *
 * Once installed they stay: others may have wrapped them since. They pass through while nothing is
 * recorded.
 */
#ifndef MEMPROF_EXT_OBJECT_HOOKS_H
#define MEMPROF_EXT_OBJECT_HOOKS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/heap/alloc_log.h"

/* At each start: where nothing comes to us they are installed. So it is at first, and after
 * somebody has put back what was there before us (tracemalloc, where that was started first). */
void object_hooks_install(void);

/* While nothing is recorded; what somebody has wrapped stays, and passes through. */
void object_hooks_remove(void);

/* Whether what is allocated in this domain (PYMEM_DOMAIN_OBJ, _MEM) comes to us. */
bool object_hooks_reached(PyMemAllocatorDomain domain);

/* alloc_log's holds(): whether the running thread has the lock of the main interpreter. *context is
 * its PyThreadState, also without that; NULL: it runs no Python. */
bool object_hooks_hold(void **context);

/* alloc_log's library(). */
const char *object_hooks_library(const void *caller);

/* alloc_log's node(). */
uint32_t object_hooks_node(struct alloc_thread *thread, void *context, bool holds);

#endif
