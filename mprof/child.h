/* Starts the program exactly as the shell that called mprof would have started it. */
#ifndef MPROF_CHILD_H
#define MPROF_CHILD_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/* What mprof changes for itself, and the program gets back. */
struct child_state {
    sigset_t mask;
    struct sigaction pipe, file_size, child;
};

/*
 * Saves the state and sets mprof's own: signals in `relayed` blocked, a closed pipe or a full
 * file-size limit told by errno, children waited for.
 */
void child_state_save(struct child_state *state, const sigset_t *relayed);

/*
 * Runs argv[0], looked up on PATH. Returns when the program is running: its pid, or -errno of the
 * exec. *inherited_bytes is the largest resident set before the exec, which the system counts as
 * the program's own.
 */
pid_t child_spawn(char *const argv[], const struct child_state *state, int64_t *inherited_bytes);

#endif
