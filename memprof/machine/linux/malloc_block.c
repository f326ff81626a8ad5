#include "memprof/machine/malloc_block.h"

#include <stdint.h>

#include "memprof/machine/pages.h"

#define STEP 16
#ifdef __GLIBC__
#define HEAD 8
#define LEAST 32
#define MAPPED_FROM 131072 /* M_MMAP_THRESHOLD, where nobody has set it: it goes up from here */
#else
#define HEAD 4 /* musl's; its classes are not ours to know */
#define LEAST 16
#define MAPPED_FROM SIZE_MAX
#endif

size_t malloc_block_bytes(size_t size, const void *block)
{
    size_t bytes = (size + HEAD + STEP - 1) / STEP * STEP;

    if (size == 0)
        return 0;
    /* Behind a head of 16 bytes at a page's begin; by chance so does one block in 256. */
    if (size >= MAPPED_FROM && (uintptr_t)block % pages_size() == STEP)
        return pages_round(size + STEP);
    return bytes < LEAST ? LEAST : bytes;
}
