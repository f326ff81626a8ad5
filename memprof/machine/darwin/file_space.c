#include "memprof/machine/file_space.h"

#include <errno.h>

int file_space_take(int fd, int64_t size)
{
    (void)fd;
    (void)size;
    /* APFS copies on write: space that was taken is no promise for the next store. */
    return -EOPNOTSUPP;
}
