/*
 * Files that are written by a name which others could know before. In a folder where everybody may
 * create names (sticky and writable for all, as /tmp), a link that another user left there is not
 * followed; links of our own, of the folder's owner, and links elsewhere are.
 */
#ifndef MEMPROF_SAFE_OPEN_H
#define MEMPROF_SAFE_OPEN_H

#include <sys/types.h>

/* As open(). The descriptor or -errno; -EACCES: the last part of the path is such a link. */
int safe_open(const char *path, int flags, mode_t mode);

/* Whether the last part of the path is a link: 0 no, 1 one that may be followed, -EACCES. */
int safe_open_is_link(const char *path);

#endif
