/*
 * Facts about other processes. Functions return 0 or -errno: -ESRCH the process is gone, -EACCES
 * it belongs to someone else, -ENOENT the system shows no processes at all (no /proc).
 */
#ifndef MEMPROF_PROCESS_H
#define MEMPROF_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_info {
    pid_t pid, parent;
    uint64_t start; /* when it started, in units of the system: with the pid, a key for life */
    int zombie;     /* it has ended and waits to be collected */
    char name[64];  /* the short name the system gives it, cut where it is longer */
};

/* One entry of a list of processes. */
struct process_entry {
    pid_t pid;
    uint64_t
        stamp; /* another value tells that the pid belongs to another process now; 0: unknown */
};

struct process_list {
    struct process_entry *entries; /* owned; by rising pid */
    size_t count, capacity;
};

/* Fills the list with every process there is now; memory is used again by the next call. */
int process_list_read(struct process_list *list);

/* Frees the list. */
void process_list_release(struct process_list *list);

/*
 * The soft RLIMIT_AS of a process (0: this one), in bytes. 0: none, or not to be asked here: of
 * processes of others, and on macOS, which does not hold it.
 */
int64_t process_address_limit(pid_t pid);

/* Reads who a process is. */
int process_read(pid_t pid, struct process_info *info);

/* When a process started, in nanoseconds since the epoch, as the clock is set now. */
int64_t process_started_ns(const struct process_info *info);

/*
 * The command line of a process, arguments ended by NUL, at most `size` bytes. Returns its length
 * (0 for a zombie or a process of the kernel) or -errno.
 */
ssize_t process_command_line(pid_t pid, char *text, size_t size);

/* 1 if the process was started with this variable, "NAME=value", in its environment, else 0. */
bool process_has_variable(pid_t pid, const char *variable);

/* The value that this variable had when the process was started, at most `size` bytes with its NUL.
 * Its length, -ENOENT where it was not set, or -errno. */
ssize_t process_variable(pid_t pid, const char *name, char *text, size_t size);

/*
 * 1 if the process has a file with this inode and last part of its path mapped, 0 if not or if
 * there is no such process, or -errno.
 */
int process_has_mapped(pid_t pid, uint64_t inode, const char *name);

/*
 * A task of the process that still has its memory: the pid itself, or a thread that lives on after
 * the first one has ended. 0 when there is none.
 */
pid_t process_living_task(pid_t pid);

/*
 * The children of a process, at most so many: how many there are, or -errno. On Linux those of its
 * first thread.
 */
ssize_t process_children(pid_t pid, pid_t *children, size_t most);

/* Whether the running thread is the one that the process began with. */
bool process_is_main_thread(void);

/* The file of the running program. Returns its length or -errno. */
ssize_t process_own_path(char *path, size_t size);

/* A pipe that programs started from here do not inherit; reading does not wait if `no_wait`. */
int process_pipe(int ends[2], int no_wait);

/*
 * The largest resident set of this process by the system's account of its usage, in bytes; it knows
 * the time before an exec, too. -1: not known.
 */
int64_t process_own_peak(void);

/* How a child ended. */
struct process_end {
    int status; /* of waitpid() */
    int64_t user_ns, system_ns;
    int64_t peak_bytes; /* the largest resident set of the child itself, -1: not known */
};

/*
 * Waits for the end of a child of ours and collects it. The system's peak also holds what the
 * child inherited when it was made, at most `inherited_bytes`, and what its own children used:
 * where it cannot be told apart it is given as not known.
 */
int process_collect(pid_t pid, int64_t inherited_bytes, struct process_end *end);

/*
 * Collects what others left to this process and has ended, up to `own`, which is collected by
 * process_collect(). Process 1 is given every orphan; any other process none.
 */
void process_collect_orphans(pid_t own);

#endif
