/* Files of /proc. `pid` 0 is this process; -ESRCH: there is no such process, -ENOENT: no /proc. */
#ifndef MEMPROF_PROC_FILE_H
#define MEMPROF_PROC_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

/* Opens /proc/PID/NAME. A descriptor, or -errno. */
static inline int proc_file_open(pid_t pid, const char *name, int flags)
{
    char path[64];
    int fd;

    if (pid == 0)
        snprintf(path, sizeof path, "/proc/self/%s", name);
    else
        snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    return errno == ENOENT && access("/proc/self", F_OK) == 0 ? -ESRCH : -errno;
}

/* Reads the beginning of a file, at most `size` - 1 bytes, and ends it with NUL. Its length, or
 * -errno. */
static inline ssize_t proc_file_read(pid_t pid, const char *name, char *text, size_t size)
{
    int fd = proc_file_open(pid, name, O_RDONLY);
    ssize_t length;

    if (fd < 0)
        return fd;
    length = read(fd, text, size - 1);
    if (length < 0)
        length = -errno;
    else
        text[length] = '\0';
    close(fd);
    return length;
}

#endif
