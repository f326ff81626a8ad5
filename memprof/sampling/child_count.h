/*
 * How many descendants a process has had that nobody samples: for a word about them at the end. It
 * is looked for them seldom and cheaply, so those that live for a moment may be missed, as may be
 * those that threads other than the first have started.
 */
#ifndef MEMPROF_CHILD_COUNT_H
#define MEMPROF_CHILD_COUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* More are not told apart. */
#define CHILD_COUNT_MOST 256

/* Zeroes are a count that has not begun. */
struct child_count {
    pid_t seen[CHILD_COUNT_MOST];
    size_t count;
    size_t alive;             /* when it was last looked */
    int64_t due_ns, pause_ns; /* of the next look, monotonic */
};

/* Looks where it is due: soon after the first call, later every second. */
void child_count_step(struct child_count *children, pid_t root, int64_t now_ns);

#endif
