/* Sampling a process that runs already; mprof attach and mprof run --attach. */
#ifndef MPROF_ATTACH_H
#define MPROF_ATTACH_H

#include <sys/types.h>

#include "mprof/recorder.h"

/* Finds the process the arguments name and samples it to its end. The exit status. */
int attach_process(const struct command *command, const struct record_options *options,
                   char **arguments, int count);

/* The process that a pid or a name means, or 0 after one line about why there is none. */
pid_t attach_find(const char *name);

#endif
