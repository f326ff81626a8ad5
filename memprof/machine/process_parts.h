/* What the end of a process is told by, and differs from system to system: for process.c alone. */
#ifndef MEMPROF_PROCESS_PARTS_H
#define MEMPROF_PROCESS_PARTS_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/* The largest resident set, in bytes. */
int64_t process_peak_of(const struct rusage *usage);

/* Whether a child that has ended, and was not collected yet, may have collected children. */
int process_had_children(pid_t pid);

#endif
