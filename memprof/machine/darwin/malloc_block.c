#include "memprof/machine/malloc_block.h"

#define TINY_STEP 16
#define TINY_MOST 1008
#define SMALL_STEP 512

/* Its zones write their own words elsewhere. */
size_t malloc_block_bytes(size_t size, const void *block)
{
    size_t step = size <= TINY_MOST ? TINY_STEP : SMALL_STEP;

    (void)block;
    return (size + step - 1) / step * step;
}
