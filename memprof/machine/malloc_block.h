/* What the C library's malloc() takes for a block, its own word included. */
#ifndef MEMPROF_MALLOC_BLOCK_H
#define MEMPROF_MALLOC_BLOCK_H

#include <stddef.h>

/* Bytes of a block of `size` bytes, 0 for a size of 0. Where its address is known (else NULL) it
 * tells whether a large block has pages of its own. The block is not read. */
size_t malloc_block_bytes(size_t size, const void *block);

#endif
