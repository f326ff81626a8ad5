#include "memprof/machine/resident.h"

#include <errno.h>

int resident_read(struct resident_parts *parts)
{
    (void)parts;
    return -ENOSYS;
}
