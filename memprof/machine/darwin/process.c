#include "memprof/machine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <limits.h>
#include <mach-o/dyld.h>
#include <stdbool.h>
#include <stdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/resource.h>
#include <sys/sysctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/grow.h"
#include "memprof/machine/process_parts.h"

/* Asks for a process that has ended and waits to be collected, too. */
#define ZOMBIES_TOO 1

static int proc_error(void)
{
    if (errno == EPERM)
        return -EACCES;
    return errno != 0 ? -errno : -ESRCH;
}

static int by_pid(const void *left, const void *right)
{
    const struct process_entry *a = left, *b = right;

    return (a->pid > b->pid) - (a->pid < b->pid);
}

static int list_reserve(struct process_list *list, size_t wanted)
{
    struct process_entry *entries =
        grow_double(list->entries, sizeof *entries, wanted, &list->capacity);

    if (entries == NULL)
        return -ENOMEM;
    list->entries = entries;
    return 0;
}

int process_list_read(struct process_list *list)
{
    int room = proc_listallpids(NULL, 0) + 64; /* some may start between the two calls */
    pid_t *pids = calloc((size_t)room, sizeof *pids);
    int count, error;

    list->count = 0;
    if (pids == NULL)
        return -ENOMEM;
    errno = 0;
    count = proc_listallpids(pids, room * (int)sizeof *pids);
    error = count <= 0 ? proc_error() : list_reserve(list, (size_t)count);
    for (int i = 0; i < count && error == 0; i++)
        list->entries[list->count++] = (struct process_entry){pids[i], 0};
    free(pids);
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, by_pid);
    return error;
}

ssize_t process_children(pid_t pid, pid_t *children, size_t most)
{
    int count;

    errno = 0;
    count = proc_listchildpids(pid, children, (int)(most * sizeof *children));
    return count < 0 ? proc_error() : count;
}

void process_list_release(struct process_list *list)
{
    free(list->entries);
    memset(list, 0, sizeof *list);
}

int process_read(pid_t pid, struct process_info *info)
{
    struct proc_bsdinfo found;
    const char *name;

    errno = 0;
    if (proc_pidinfo(pid, PROC_PIDTBSDINFO, ZOMBIES_TOO, &found, (int)sizeof found) !=
        (int)sizeof found)
        return proc_error();
    info->pid = pid;
    info->parent = (pid_t)found.pbi_ppid;
    info->start = found.pbi_start_tvsec * 1000000 + found.pbi_start_tvusec;
    info->zombie = found.pbi_status == SZOMB;
    name = found.pbi_name[0] != '\0' ? found.pbi_name : found.pbi_comm;
    snprintf(info->name, sizeof info->name, "%s", name);
    return 0;
}

int64_t process_started_ns(const struct process_info *info)
{
    return (int64_t)info->start * 1000;
}

/*
 * What the kernel keeps of a program's start: the number of arguments, the program's file, NULs,
 * the arguments and the environment, each ended by NUL. The caller frees *block.
 */
static ssize_t read_start(pid_t pid, char **block)
{
    int query[3] = {CTL_KERN, KERN_PROCARGS2, pid}, limit_query[2] = {CTL_KERN, KERN_ARGMAX};
    size_t size = sizeof(int);
    int limit = 0;

    if (sysctl(limit_query, 2, &limit, &size, NULL, 0) != 0)
        return -errno;
    size = (size_t)limit;
    *block = malloc(size);
    if (*block == NULL)
        return -ENOMEM;
    if (sysctl(query, 3, *block, &size, NULL, 0) != 0 || size < sizeof(int)) {
        int error = errno == EINVAL || errno == 0 ? -ESRCH : proc_error();

        free(*block);
        return error;
    }
    return (ssize_t)size;
}

/* The end of a string that may lack its NUL. */
static const char *after(const char *at, const char *end)
{
    while (at < end && *at != '\0')
        at++;
    return at < end ? at + 1 : end;
}

/* Where the arguments begin, and behind how many strings they end. */
static const char *first_argument(const char *block, const char *end, int *count)
{
    const char *at;

    memcpy(count, block, sizeof *count);
    at = after(block + sizeof *count, end);
    while (at < end && *at == '\0')
        at++;
    return at;
}

ssize_t process_command_line(pid_t pid, char *text, size_t size)
{
    char *block;
    ssize_t length = read_start(pid, &block);
    const char *first, *at, *end;
    int count;

    if (length < 0)
        return length;
    end = block + length;
    first = at = first_argument(block, end, &count);
    while (count-- > 0)
        at = after(at, end);
    length = at - first < (ptrdiff_t)size ? at - first : (ssize_t)size;
    memcpy(text, first, (size_t)length);
    free(block);
    return length;
}

int process_has_mapped(pid_t pid, uint64_t inode, const char *name)
{
    (void)pid;
    (void)inode;
    (void)name;
    return -ENOTSUP;
}

/* Behind the arguments. */
static const char *first_variable(const char *block, const char *end)
{
    int count;
    const char *at = first_argument(block, end, &count);

    while (count-- > 0)
        at = after(at, end);
    return at;
}

bool process_has_variable(pid_t pid, const char *variable)
{
    char *block;
    ssize_t length = read_start(pid, &block);
    size_t wanted = strlen(variable);
    const char *at, *end;
    int found = 0;

    if (length < 0)
        return 0;
    end = block + length;
    at = first_variable(block, end);
    for (; at < end && !found; at = after(at, end))
        found = (size_t)(end - at) > wanted && memcmp(at, variable, wanted + 1) == 0;
    free(block);
    return found;
}

ssize_t process_variable(pid_t pid, const char *name, char *text, size_t size)
{
    char *block;
    ssize_t length = read_start(pid, &block), result = -ENOENT;
    size_t wanted = strlen(name);
    const char *at, *end;

    if (length < 0)
        return length;
    end = block + length;
    at = first_variable(block, end);
    for (; at < end && result == -ENOENT; at = after(at, end))
        if ((size_t)(end - at) > wanted && memcmp(at, name, wanted) == 0 && at[wanted] == '=')
            result = snprintf(text, size, "%s", at + wanted + 1) < (int)size ? (ssize_t)strlen(text)
                                                                             : -ENAMETOOLONG;
    free(block);
    return result;
}

/* A process's memory ends with the process here, not with its first thread. */
pid_t process_living_task(pid_t pid)
{
    struct proc_taskinfo task;

    if (proc_pidinfo(pid, PROC_PIDTASKINFO, 0, &task, (int)sizeof task) != (int)sizeof task)
        return 0;
    return task.pti_resident_size > 0 ? pid : 0;
}

ssize_t process_own_path(char *path, size_t size)
{
    char given[PATH_MAX], real[PATH_MAX];
    uint32_t room = sizeof given;
    size_t length;

    if (_NSGetExecutablePath(given, &room) != 0)
        return -ENAMETOOLONG;
    if (realpath(given, real) == NULL)
        return -errno;
    length = strlen(real);
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(path, real, length + 1);
    return (ssize_t)length;
}

/* There was no pipe2() before macOS 27. A thread that forks in between must close the ends itself.
 */
int process_pipe(int ends[2], int no_wait)
{
    if (pipe(ends) != 0)
        return -errno;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        if (no_wait)
            fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Whether a child that has ended had collected children of its own. */
int process_had_children(pid_t pid)
{
    struct rusage_info_v4 usage;

    if (proc_pid_rusage(pid, RUSAGE_INFO_V4, (rusage_info_t *)&usage) != 0)
        return 1;
    return usage.ri_child_elapsed_abstime != 0;
}

int64_t process_peak_of(const struct rusage *usage)
{
    return (int64_t)usage->ru_maxrss; /* bytes here, not kilobytes */
}

bool process_is_main_thread(void)
{
    return pthread_main_np() != 0;
}

int64_t process_address_limit(pid_t pid)
{
    (void)pid;
    return 0;
}
