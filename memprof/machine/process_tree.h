/*
 * The descendants of a process. One that was seen once stays one until it ends, also after its
 * parent ended; a pid that is used again is another process.
 */
#ifndef MEMPROF_PROCESS_TREE_H
#define MEMPROF_PROCESS_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/process.h"

/* A process for life: the system may give its pid, but never its start as well, to another. */
struct process_id {
    pid_t pid;
    uint64_t start;
};

struct process_known;

struct process_tree {
    struct process_id root;
    pid_t left_out;       /* neither this one nor its descendants count */
    const char *variable; /* borrowed: "NAME=value" in the environment of the family alone; NULL */
    struct process_list list;
    struct process_known *known; /* owned: everybody that the last scan saw, by rising pid */
    size_t n_known;
    struct process_id *added; /* owned: descendants that the last scan saw for the first time */
    size_t n_added, added_capacity;
};

/*
 * Starts at `root`; `left_out` is the observer. `variable` must stay valid; a process that has
 * lost its parent before it was seen is recognised by it. 0 or -errno, -ESRCH: no such root.
 */
int process_tree_init(struct process_tree *tree, pid_t root, pid_t left_out, const char *variable);

/* Frees what the scans have gathered. */
void process_tree_release(struct process_tree *tree);

/* Looks around, and lists the new descendants in `added`. 0 or -errno. */
int process_tree_scan(struct process_tree *tree);

#endif
