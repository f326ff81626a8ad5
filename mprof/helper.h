/* Programs that mprof runs for itself and waits for. */
#ifndef MPROF_HELPER_H
#define MPROF_HELPER_H

#include <signal.h>
#include <sys/types.h>

/* Starts argv[0], looked up on PATH, with these descriptors as its first three, and this mask of
 * signals (NULL: mprof's own). Its pid or -errno. */
pid_t helper_start(char *const argv[], int in, int out, int err, const sigset_t *mask);

/* 0 when it ended with status 0; -EPROTO when it did not, or -errno. */
int helper_wait(pid_t pid);

#endif
