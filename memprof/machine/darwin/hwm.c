#include "memprof/machine/hwm.h"

#include <errno.h>

int hwm_init(struct hwm *mark)
{
    (void)mark;
    return -ENOSYS; /* there is a mark (ru_maxrss), and no way to set it back */
}

void hwm_release(struct hwm *mark)
{
    (void)mark;
}

int hwm_read(struct hwm *mark, int64_t *bytes)
{
    (void)mark;
    (void)bytes;
    return -ENOSYS;
}

int hwm_reset(struct hwm *mark)
{
    (void)mark;
    return -ENOSYS;
}

int64_t hwm_resolution(void)
{
    return 0;
}
