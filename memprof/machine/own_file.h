/*
 * A descriptor inside somebody else's process: kept out of the way of programs that count on low
 * numbers, and known again by its device and inode, since the program may close every descriptor
 * and open a file of its own under the same number.
 */
#ifndef MEMPROF_OWN_FILE_H
#define MEMPROF_OWN_FILE_H

#include <stdint.h>

/* What a descriptor refers to. */
struct own_file {
    uint64_t device, inode;
};

/* The descriptor moved to a high number, the old one closed; itself where that cannot be done. */
int own_file_move_high(int fd);

/* Remembers what the descriptor refers to. 0 or -errno. */
int own_file_remember(struct own_file *file, int fd);

/* Whether the descriptor still refers to it. */
int own_file_is(const struct own_file *file, int fd);

#endif
