#include "memprof/machine/image_range.h"

struct image_range image_range_of(const void *inside)
{
    (void)inside;
    return (struct image_range){0, 0};
}
