/* What of this process is resident. */
#ifndef MEMPROF_RESIDENT_H
#define MEMPROF_RESIDENT_H

#include "memprof/machine/resident_parts.h"

/* 0, or -errno: -ENOSYS, the system does not tell. */
int resident_read(struct resident_parts *parts);

#endif
