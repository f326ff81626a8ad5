/*
 * A process and its descendants as they are now: what each holds. The process itself is read at
 * every step; what costs more, with many descendants or large ones, is read so seldom that it stays
 * below some thousandths of a core.
 *
 * The order of calls: top_family_init(), top_family_step() …, top_family_release().
 */
#ifndef MPROF_TOP_FAMILY_H
#define MPROF_TOP_FAMILY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/oom_kills.h"
#include "memprof/machine/process_tree.h"
#include "memprof/profile/profile.h"
#include "plots/top_facts.h"

/* When something is read next, by what it cost. */
struct top_pace {
    int64_t due_ns;
};

struct top_family {
    pid_t pid;
    pid_t task; /* of it, which still has its memory */
    struct mem_reader reader;
    struct process_tree tree;
    struct process_id *ids;   /* owned: whose row it is; the first is the process itself */
    struct top_process *rows; /* owned */
    size_t count, ids_room, rows_room;
    struct top_pace scan, each, share, facts;
    struct oom_kills kills;
    int can_look;
    int64_t peak;                   /* bytes: the HWM; -1: not told */
    int64_t limits[PROFILE_LIMITS]; /* bytes; 0: none */
};

/* 0 or -errno: -ESRCH there is no such process. */
int top_family_init(struct top_family *family, pid_t pid);
void top_family_release(struct top_family *family);

/*
 * Reads what is due. 0 or -errno: -ESRCH the process has ended, -EAGAIN it has no memory: it is in
 * the middle of an exec, or the kernel's.
 */
int top_family_step(struct top_family *family, int64_t now_ns);

/* What the rows hold together, in bytes. */
int64_t top_family_sum(const struct top_family *family);

/* The command line of a process as visible text; its short name where it has none. To be freed. */
char *top_family_command(pid_t pid);

#endif
