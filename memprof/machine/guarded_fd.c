#include "memprof/machine/guarded_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Descriptors at and above this number are rarely taken or closed by programs. It lies below the
 * usual limit of 1,024; where the limit is lower, the descriptor stays where it is.
 */
#define HIGH_FD 700

int guarded_fd_move_high(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

    if (high < 0)
        return fd;
    close(fd);
    return high;
}

int guarded_fd_remember(struct guarded_fd *file, int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return -errno;
    file->device = (uint64_t)info.st_dev;
    file->inode = (uint64_t)info.st_ino;
    return 0;
}

int guarded_fd_is(const struct guarded_fd *file, int fd)
{
    struct guarded_fd now = {0};

    return guarded_fd_remember(&now, fd) == 0 && now.device == file->device &&
           now.inode == file->inode;
}
