/*
 * What can happen to the mapping of a box's file: somebody cuts the file short, and the next store
 * would end the process (SIGBUS); the process forks, and both would write to the same pages. One
 * box in a process is guarded, since handlers of signals and of forks know no context.
 */
#ifndef MEMPROF_BLACK_BOX_GUARD_H
#define MEMPROF_BLACK_BOX_GUARD_H

#include <stdint.h>

struct black_box;

/* From now on, until unguarded. 0 or -errno; -EBUSY: another box is guarded. */
int black_box_guard(struct black_box *box);
void black_box_unguard(struct black_box *box);

/*
 * Memory, empty, in the place of all that the box's file is too short for, and from `address`,
 * which lies in the box or is 0, to the end of its part; box->lost() is told. May be called by a
 * signal handler. 0 or -errno.
 */
int black_box_mend(struct black_box *box, uint64_t address);

#endif
