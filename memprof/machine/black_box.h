/*
 * A black box: records in memory that a crash leaves behind. It begins as memory of the process
 * alone; moved to a file it is a mapping of that file, which the kernel keeps whatever becomes of
 * the process. Records never move and are never given back.
 *
 * Space of the file is taken before it is mapped: a store to a mapping for which there is no space
 * ends the process. A file that somebody cuts short would do the same: what is missing becomes
 * memory, empty, and `lost` is told.
 *
 * A forked child has a copy in memory alone, as it was when it was forked; only the first process
 * has the file. One box in a process can have a file.
 *
 * Sizes are in bytes. Functions that return int return 0 or -errno.
 */
#ifndef MEMPROF_BLACK_BOX_H
#define MEMPROF_BLACK_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/black_box_parts.h"

int black_box_init(struct black_box *box);

/* Removes its file, if this process has it; records go on to be added, in memory. */
void black_box_remove_file(struct black_box *box);

/* Lets go of it all, and of the file. */
void black_box_release(struct black_box *box);

/*
 * How large a part black_box_grow() would add for a record, 0: there is room. It may be called
 * before black_box_reserve(), which does so too.
 */
size_t black_box_next_part(const struct black_box *box, size_t size);
void black_box_grow(struct black_box *box, size_t size);

/*
 * Zeroed memory for a record, all of it touched; NULL where there is no room. It is part of the box
 * when black_box_publish() gives it a kind, which is not 0. One at a time.
 */
void *black_box_reserve(struct black_box *box, size_t size);
void black_box_publish(void *record, uint64_t kind);

/* The header says what is missing and whether the file was cut. Not in a handler of a signal. */
void black_box_tell_lacks(struct black_box *box);

/* Whether an address lies in the box. */
int black_box_holds(const struct black_box *box, const void *address);

/*
 * From now on the box is the file of this name, which must not be there: -EEXIST. -EOPNOTSUPP: the
 * file system cannot promise space. -EBUSY: this box has a file, or another one does. Where it
 * fails the box is as before.
 */
int black_box_move(struct black_box *box, const char *path);

/* Writes all that the file holds, or would hold. May be called by a signal handler. */
int black_box_write(const struct black_box *box, int fd);

#endif
