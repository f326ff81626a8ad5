/*
 * A descriptor inside somebody else's process: kept out of the way of programs that count on low
 * numbers, and known again by its device and inode, since the program may close every descriptor
 * and open a file of its own under the same number.
 */
#ifndef MEMPROF_GUARDED_FD_H
#define MEMPROF_GUARDED_FD_H

#include <stdint.h>

/* What a descriptor refers to. */
struct guarded_fd {
    uint64_t device, inode;
};

/* The descriptor moved to a high number, the old one closed; itself where that cannot be done. */
int guarded_fd_move_high(int fd);

/* Remembers what the descriptor refers to. 0 or -errno. */
int guarded_fd_remember(struct guarded_fd *file, int fd);

/* Whether the descriptor still refers to it. */
int guarded_fd_is(const struct guarded_fd *file, int fd);

#endif
