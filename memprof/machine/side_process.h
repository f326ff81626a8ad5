/*
 * A program that is started beside this process by a signal handler, and reads what this process
 * has in memory at that moment.
 *
 * The process may be anywhere: in malloc(), in a fork of its own. So no function runs that was
 * registered for forks, and nothing is asked but the kernel. Between the process and the program
 * stands a keeper, a copy of the process: it writes what is to be read, waits for the program, and
 * ends it after a time. Neither is seen by the process's wait(), and no SIGCHLD tells of them.
 *
 * Linux; elsewhere side_process_start() returns -ENOSYS.
 */
#ifndef MEMPROF_SIDE_PROCESS_H
#define MEMPROF_SIDE_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct side_process {
    char *const *argv; /* borrowed, as all pointers here; [0] is the program's path */
    char *const *envp;
    char *fd_text;      /* in an argument, room for 12: becomes the number of what is to be read */
    const char *output; /* appended to, in the place of stdout; NULL: stdout as it is */
    int number;         /* a signal to the whole group does not end what it asked for */
    int64_t most_ns;    /* that the program may take */
    /* Writes what is to be read, in the keeper; asks nothing but the kernel. 0 or -errno. */
    int (*write)(const void *context, int fd);
    const void *context;
};

/* The keeper's pid, or -errno. */
pid_t side_process_start(const struct side_process *side);

/* Waits for the keeper: whether the program ended with 0. */
int side_process_wait(pid_t keeper);

/* Whether the keeper has ended; it is gone then. */
int side_process_has_ended(pid_t keeper);

#endif
