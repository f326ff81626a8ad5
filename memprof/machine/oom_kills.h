/*
 * Whether the kernel killed for memory where a process is: the count of such kills in the control
 * group (cgroup) that counts its memory, and the limit that was hit. In version 2 a group counts
 * what happens below it as well, in version 1 its own processes alone.
 *
 * Whom it killed the kernel does not say: only that it was one of these processes.
 *
 * The order of calls: oom_kills_init(), oom_kills_look() now and then. Nothing is kept open.
 */
#ifndef MEMPROF_OOM_KILLS_H
#define MEMPROF_OOM_KILLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/cgroup_text.h"

/* Groups in groups beyond so many are not followed. */
#define OOM_DEPTH 32

/* What one group has counted, -1: it does not tell. */
struct oom_counts {
    int64_t kills;
    int64_t hits, hits_before; /* of its limit; at the last look, and at the one before */
};

/* A group and those around it. */
struct oom_chain {
    struct cgroup_place place;
    struct oom_counts counts[OOM_DEPTH + 1]; /* by depth: the mount point is 0 */
};

struct oom_kills {
    const char *root;     /* borrowed */
    char group[PATH_MAX]; /* as the system names it, to see at little cost whether it is another */
    struct oom_chain chain;
};

/* What is new since the look before. */
struct oom_news {
    int64_t kills;
    int64_t limit; /* bytes: which limit was hit; 0: none, or not known */
};

/*
 * Takes the first look, at the group of `pid`; 0 is this process. `root` stands before every path:
 * "" but in tests. Returns 0 or -errno: -ENOSYS, the system has no such counts; -ENOENT, they
 * cannot be seen from here.
 */
int oom_kills_init(struct oom_kills *kills, const char *root, pid_t pid);

/*
 * Looks again, also whether the process is in another group now. Where it cannot be asked any more,
 * or `pid` is 0, it is taken to be where it was.
 */
void oom_kills_look(struct oom_kills *kills, pid_t pid, struct oom_news *news);

/*
 * The least limit of the group that was looked at last and of those around it, read now. Bytes; 0:
 * there is none, or none that can be seen from here.
 */
int64_t oom_kills_limit(const struct oom_kills *kills);

/*
 * Asks that this process be spared. For a moment after a kill the memory is not free and the killed
 * one no choice any more: who reads of it then, in the same group, is the next. Processes that are
 * made afterwards inherit it. Without the right to ask (root has it) nothing is changed.
 */
void oom_kills_spare_me(void);

#endif
