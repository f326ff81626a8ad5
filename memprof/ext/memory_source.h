/* Meters by name: which number a profiler reads, and how. */
#ifndef MEMPROF_EXT_MEMORY_SOURCE_H
#define MEMPROF_EXT_MEMORY_SOURCE_H

#include "memprof/ext/module_state.h"

/*
 * The index in state->machine.meters of a backend: rss, pss, uss, tracemalloc, or a name of 0.61
 * (psutil, psutil_pss, psutil_uss, posix). Made and calibrated when first asked for. -1 with an
 * exception: ValueError for the name, OSError where memory cannot be read.
 */
int memory_source_index(struct module_state *state, const char *backend, int include_children);

void memory_source_release(struct module_state *state);

#endif
