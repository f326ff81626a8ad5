/* Meters by name: which number a profiler reads, and how. */
#ifndef MEMPROF_EXT_MEMORY_SOURCE_H
#define MEMPROF_EXT_MEMORY_SOURCE_H

#include "memprof/ext/base/module_state.h"

/*
 * The index in state->engine.meters of a backend: rss, pss, uss, tracemalloc, or a name of 0.61
 * (psutil, psutil_pss, psutil_uss, posix). Made and calibrated when first asked for. -1 with an
 * exception: ValueError for the name, OSError where memory cannot be read.
 */
int memory_source_index(struct module_state *state, const char *name, int include_children);

/*
 * Opens what reads the rss, so that it is there when the program has no descriptor left. Where that
 * cannot be, memory_source_index() says so when it is asked; this never fails.
 */
int memory_source_init(struct module_state *state);
void memory_source_release(struct module_state *state);

/* Times will be asked for. -1 with OSError where the processor's counter is not steady. */
int memory_source_want_time(struct module_state *state);

/*
 * Peaks will be asked for, of the number with that index: -1 with ValueError unless that is the
 * plain rss of this process, and with OSError where the HWM cannot be read or set back.
 */
int memory_source_want_peak(struct module_state *state, int index);
/* Undoes one memory_source_want_peak() that returned 0. */
void memory_source_need_no_peak(struct module_state *state);

/*
 * The most that the kernel has seen since the process began, in bytes, of the number with that
 * index; 0 where it does not know: of anything but the plain rss of this process, and once somebody
 * here sets its mark back.
 */
int64_t memory_source_kernels_peak(const struct module_state *state, int index);

/* Adds rest_readers() and reset_peak() to the module. */
int memory_source_add(PyObject *module);

#endif
