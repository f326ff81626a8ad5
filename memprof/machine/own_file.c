#include "memprof/machine/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors at and above this number are rarely taken or closed by programs. */
#define HIGH_FD 700

int own_file_move_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

    if (high < 0)
        return fd;
    close(fd);
    return high;
}

int own_file_remember(struct own_file *file, int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return -errno;
    file->device = (uint64_t)info.st_dev;
    file->inode = (uint64_t)info.st_ino;
    return 0;
}

int own_file_is(const struct own_file *file, int fd)
{
    struct own_file now;

    return own_file_remember(&now, fd) == 0 && now.device == file->device &&
           now.inode == file->inode;
}
