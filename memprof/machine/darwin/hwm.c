#include "memprof/machine/hwm.h"

#include <errno.h>

int hwm_init(struct hwm *hwm)
{
    (void)hwm;
    return -ENOSYS; /* there is a HWM (ru_maxrss), and no way to set it back */
}

void hwm_release(struct hwm *hwm)
{
    (void)hwm;
}

int hwm_read(struct hwm *hwm, int64_t *bytes)
{
    (void)hwm;
    (void)bytes;
    return -ENOSYS;
}

int hwm_reset(struct hwm *hwm)
{
    (void)hwm;
    return -ENOSYS;
}

int64_t hwm_resolution(void)
{
    return 0;
}
