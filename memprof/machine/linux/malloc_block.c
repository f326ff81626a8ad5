#include "memprof/machine/malloc_block.h"

#include <stdint.h>

#define STEP 16
#define PAGE 4096
#ifdef __GLIBC__
#define HEAD 8
#define LEAST 32
#define MAPPED_FROM (128 * 1024) /* M_MMAP_THRESHOLD, where nobody has set it, goes up from here */
#else                            /* musl's head is of 4 bytes, its classes are not ours to know */
#define HEAD 4
#define LEAST 16
#define MAPPED_FROM SIZE_MAX
#endif

size_t malloc_block_bytes(size_t size, const void *block)
{
    size_t bytes = (size + HEAD + STEP - 1) / STEP * STEP;

    if (size == 0)
        return 0;
    /* Behind a head of 16 bytes at a page's begin; by chance so does one block in 256. */
    if (size >= MAPPED_FROM && (uintptr_t)block % PAGE == STEP)
        return (size + STEP + PAGE - 1) / PAGE * PAGE;
    return bytes < LEAST ? LEAST : bytes;
}
