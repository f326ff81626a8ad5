#include "memprof/machine/file_space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <sys/vfs.h>

/*
 * Those that write in place. Others may take the space and still have none for a store: a file
 * system that copies on write needs new blocks, one over a network asks somebody else.
 */
static bool keeps_promises(int fd)
{
    static const unsigned long good[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC,
                                         F2FS_SUPER_MAGIC, RAMFS_MAGIC,     OVERLAYFS_SUPER_MAGIC};
    struct statfs info;

    if (fstatfs(fd, &info) != 0)
        return false;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if ((unsigned long)info.f_type == good[i])
            return true;
    return false;
}

int file_space_take(int fd, int64_t size)
{
    if (!keeps_promises(fd))
        return -EOPNOTSUPP;
    /* Not posix_fallocate(): where the kernel cannot, it writes, and promises nothing. */
    while (fallocate(fd, 0, 0, size) != 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}
