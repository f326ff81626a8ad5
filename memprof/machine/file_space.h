/* Space for a file that is written through a mapping, where a store cannot say that there is none.
 */
#ifndef MEMPROF_FILE_SPACE_H
#define MEMPROF_FILE_SPACE_H

#include <stdint.h>

/*
 * Makes the file `size` bytes long, with space for all of it. 0 or -errno; -EOPNOTSUPP: the file
 * system makes no such promise, or does not keep it (network, FUSE, copy on write).
 */
int file_space_take(int fd, int64_t size);

#endif
