/* peak --types: what grew between the first census of a recording and the last. */
#ifndef MPROF_TYPE_GROWTH_H
#define MPROF_TYPE_GROWTH_H

#include "memprof/profile/profile.h"

/* Prints a table for each process that told its types. 0 or -errno; -ENODATA: none did. */
int type_growth_print(const struct profile *profile);

#endif
