#include "memprof/machine/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/grow.h"
#include "memprof/machine/linux/proc_file.h"
#include "memprof/machine/process_parts.h"

#define NS_PER_S INT64_C(1000000000)

static int list_append(struct process_list *list, pid_t pid, uint64_t stamp)
{
    struct process_entry *entries =
        grow_double(list->entries, sizeof *entries, list->count + 1, &list->capacity);

    if (entries == NULL)
        return -ENOMEM;
    list->entries = entries;
    entries[list->count++] = (struct process_entry){pid, stamp};
    return 0;
}

static int by_pid(const void *left, const void *right)
{
    const struct process_entry *a = left, *b = right;

    return (a->pid > b->pid) - (a->pid < b->pid);
}

int process_list_read(struct process_list *list)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    int error = 0, sorted = 1;

    if (folder == NULL)
        return -errno;
    list->count = 0;
    while (error == 0 && (entry = readdir(folder)) != NULL) {
        pid_t pid;

        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        pid = (pid_t)strtol(entry->d_name, NULL, 10);
        sorted = sorted && (list->count == 0 || list->entries[list->count - 1].pid < pid);
        /* The kernel makes a new inode for a new process under an old pid. */
        error = list_append(list, pid, (uint64_t)entry->d_ino);
    }
    closedir(folder);
    /* /proc mostly comes in rising order: then sorting is saved. */
    if (!sorted)
        qsort(list->entries, list->count, sizeof *list->entries, by_pid);
    return error;
}

void process_list_release(struct process_list *list)
{
    free(list->entries);
    memset(list, 0, sizeof *list);
}

/* pid (name) state parent …: the name may hold anything, so its end is the last parenthesis. */
static int parse_stat(char *text, struct process_info *info)
{
    char *name = strchr(text, '('), *end = strrchr(text, ')'), *at;
    size_t length;

    if (name == NULL || end == NULL || end < name || end[1] == '\0')
        return -EINVAL;
    length = (size_t)(end - name - 1);
    if (length >= sizeof info->name)
        length = sizeof info->name - 1;
    memcpy(info->name, name + 1, length);
    info->name[length] = '\0';
    at = end + 2;
    info->zombie = *at == 'Z' || *at == 'X';
    /* Each turn moves one field on: from 3 (state) to 4 (parent), and at last to 22 (start). */
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (at == NULL)
            return -EINVAL;
        at++;
        if (field == 3)
            info->parent = (pid_t)strtol(at, NULL, 10);
    }
    info->start = strtoull(at, NULL, 10);
    return 0;
}

int process_read(pid_t pid, struct process_info *info)
{
    char text[1024];
    ssize_t length = proc_file_read(pid, "stat", text, sizeof text);

    if (length <= 0)
        return length < 0 ? (int)length : -ESRCH;
    info->pid = pid;
    return parse_stat(text, info);
}

int64_t process_started_ns(const struct process_info *info)
{
    int64_t ticks = sysconf(_SC_CLK_TCK);
    struct timespec since_boot;

    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return clock_wall_ns() - (int64_t)since_boot.tv_sec * NS_PER_S - since_boot.tv_nsec +
           (int64_t)info->start / ticks * NS_PER_S +
           (int64_t)info->start % ticks * (NS_PER_S / ticks);
}

ssize_t process_children(pid_t pid, pid_t *children, size_t most)
{
    char name[40], text[1024], *at = text, *end;
    ssize_t length;
    size_t count = 0;

    snprintf(name, sizeof name, "task/%ld/children", (long)pid);
    length = proc_file_read(pid, name, text, sizeof text);
    if (length < 0)
        return length;
    /* Each number has a blank behind it: one without was cut. */
    for (; count < most; at = end + 1) {
        long child = strtol(at, &end, 10);

        if (end == at || *end != ' ')
            break;
        children[count++] = (pid_t)child;
    }
    return (ssize_t)count;
}

ssize_t process_command_line(pid_t pid, char *text, size_t size)
{
    int fd = proc_file_open(pid, "cmdline", O_RDONLY);
    size_t length = 0;
    ssize_t count = 0;

    if (fd < 0)
        return fd;
    while (length < size && (count = read(fd, text + length, size - length)) > 0)
        length += (size_t)count;
    close(fd);
    return count < 0 ? -ESRCH : (ssize_t)length;
}

/* The environment with which a process was started, to be read entry by entry; NULL: *error is
 * -errno. */
static FILE *open_environment(pid_t pid, ssize_t *error)
{
    int fd = proc_file_open(pid, "environ", O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    *error = fd < 0 ? fd : -errno;
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

static bool environment_has(FILE *file, const char *variable)
{
    ssize_t length = 0, wanted = (ssize_t)strlen(variable) + 1;
    bool found = false;
    char *entry = NULL;
    size_t capacity = 0;

    while (!found && (length = getdelim(&entry, &capacity, 0, file)) > 0)
        found = length == wanted && memcmp(entry, variable, (size_t)wanted) == 0;
    free(entry);
    return found;
}

static ssize_t environment_value(FILE *file, const char *name, char *text, size_t size)
{
    size_t wanted = strlen(name), capacity = 0;
    ssize_t result = -ENOENT;
    char *entry = NULL;

    while (result == -ENOENT && getdelim(&entry, &capacity, 0, file) > 0)
        if (strncmp(entry, name, wanted) == 0 && entry[wanted] == '=')
            result = snprintf(text, size, "%s", entry + wanted + 1) < (int)size
                         ? (ssize_t)strlen(text)
                         : -ENAMETOOLONG;
    free(entry);
    return result;
}

bool process_has_variable(pid_t pid, const char *variable)
{
    ssize_t error = 0;
    FILE *file = open_environment(pid, &error);
    bool found;

    if (file == NULL)
        return false;
    found = environment_has(file, variable);
    fclose(file);
    return found;
}

ssize_t process_variable(pid_t pid, const char *name, char *text, size_t size)
{
    ssize_t result;
    FILE *file = open_environment(pid, &result);

    if (file == NULL)
        return result;
    result = environment_value(file, name, text, size);
    fclose(file);
    return result;
}

/* A line of maps: "begin-end mode offset device inode    path". Not the device: where one file
 * system lies over another, it is that of the lower one. */
static bool maps_line_is(const char *line, uint64_t inode, const char *name)
{
    size_t length = strlen(name), there = strcspn(line, "\n");
    unsigned long long found = 0;

    return sscanf(line, "%*s %*s %*s %*s %llu", &found) == 1 && found == inode && there > length &&
           line[there - length - 1] == '/' && strncmp(line + there - length, name, length) == 0;
}

int process_has_mapped(pid_t pid, uint64_t inode, const char *name)
{
    int fd = proc_file_open(pid, "maps", O_RDONLY), found = 0;
    char *line = NULL;
    size_t capacity = 0;
    FILE *file;

    if (fd < 0)
        return fd == -ESRCH ? 0 : fd;
    file = fdopen(fd, "r");
    if (file == NULL) {
        close(fd);
        return -ENOMEM;
    }
    while (!found && getline(&line, &capacity, file) > 0)
        found = maps_line_is(line, inode, name);
    free(line);
    fclose(file);
    return found;
}

/* Whether the task has an address space: without one the size in statm, its field 1, is 0. */
static bool has_memory(pid_t task)
{
    char text[64];

    return proc_file_read(task, "statm", text, sizeof text) > 0 && text[0] != '0';
}

pid_t process_living_task(pid_t pid)
{
    char path[64];
    struct dirent *entry;
    DIR *folder;
    pid_t found = 0;

    if (has_memory(pid))
        return pid;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    folder = opendir(path);
    while (folder != NULL && found == 0 && (entry = readdir(folder)) != NULL) {
        pid_t task = (pid_t)strtol(entry->d_name, NULL, 10);

        /* /proc/TID can be opened for every thread, though /proc lists first threads only. */
        if (task != 0 && task != pid && has_memory(task))
            found = task;
    }
    if (folder != NULL)
        closedir(folder);
    return found;
}

ssize_t process_own_path(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);

    if (length < 0)
        return -errno;
    path[length] = '\0';
    return length;
}

int process_pipe(int ends[2], int no_wait)
{
    return pipe2(ends, O_CLOEXEC | (no_wait ? O_NONBLOCK : 0)) == 0 ? 0 : -errno;
}

/* Fields 11 and 13, the page faults of collected children; no process lives without one. */
static int stat_tells_children(const char *text)
{
    const char *at = strrchr(text, ')');
    unsigned long minor, major;

    /* When in doubt there were children: a peak that is not known is better than a wrong one. */
    return at == NULL ||
           sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %lu %*u %lu", &minor, &major) != 2 ||
           minor > 0 || major > 0;
}

/* Whether a child that has ended, and was not collected yet, had collected children of its own. */
int process_had_children(pid_t pid)
{
    char text[1024];

    return proc_file_read(pid, "stat", text, sizeof text) <= 0 || stat_tells_children(text);
}

int64_t process_peak_of(const struct rusage *usage)
{
    return (int64_t)usage->ru_maxrss * 1024;
}

bool process_is_main_thread(void)
{
    return syscall(SYS_gettid) == getpid();
}

int64_t process_address_limit(pid_t pid)
{
    struct rlimit limit;

    if (prlimit(pid, RLIMIT_AS, NULL, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > INT64_MAX)
        return 0;
    return (int64_t)limit.rlim_cur;
}
