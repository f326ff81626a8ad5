#include "memprof/machine/mem_mark.h"

#include <errno.h>

int mem_mark_init(struct mem_mark *mark)
{
    (void)mark;
    return -ENOSYS; /* there is a mark (ru_maxrss), and no way to set it back */
}

void mem_mark_release(struct mem_mark *mark)
{
    (void)mark;
}

int mem_mark_read(struct mem_mark *mark, int64_t *bytes)
{
    (void)mark;
    (void)bytes;
    return -ENOSYS;
}

int mem_mark_reset(struct mem_mark *mark)
{
    (void)mark;
    return -ENOSYS;
}

int64_t mem_mark_resolution(void)
{
    return 0;
}
