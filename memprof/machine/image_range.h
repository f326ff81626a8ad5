/* Where the program and its libraries stand in memory. */
#ifndef MEMPROF_IMAGE_RANGE_H
#define MEMPROF_IMAGE_RANGE_H

#include <stdint.h>

/* Addresses from `from` up to `to`; both 0 where nothing is known. */
struct image_range {
    uintptr_t from, to;
};

/* The range of the program or library that has this address in it. */
struct image_range image_range_of(const void *inside);

#endif
