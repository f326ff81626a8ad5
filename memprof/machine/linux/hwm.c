#include "memprof/machine/hwm.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/process.h"

/* The kernel keeps up to this many page events per processor to itself, or twice the processors. */
#define LEAST_BATCH 32

/* With the HWM just set back, a usage above it is the floor. */
static int find_floor(struct hwm *hwm)
{
    int64_t bytes, usage = process_own_peak();
    int error = mem_peak_read(0, &bytes);

    hwm->floor = usage > bytes ? usage : 0;
    return error;
}

int hwm_init(struct hwm *hwm)
{
    /* What the first reset takes away is remembered before it is gone. */
    int error = mem_peak_read(0, &hwm->taken);

    if (error == 0)
        error = mem_peak_reset(0);
    hwm->pid = getpid();
    hwm->last = 0;
    return error != 0 ? error : find_floor(hwm);
}

void hwm_release(struct hwm *hwm)
{
    hwm->pid = 0;
}

int hwm_read(struct hwm *hwm, int64_t *bytes)
{
    if (hwm->pid != getpid()) {
        int error = hwm_init(hwm);

        return error != 0 ? error : -ESTALE;
    }
    *bytes = process_own_peak(); /* half the price of reading the HWM */
    /* At its floor the usage hides the HWM, which is lower. */
    if (*bytes <= hwm->floor) {
        int error = mem_peak_read(0, bytes);

        if (error != 0)
            return error;
    }
    hwm->last = *bytes;
    return 0;
}

int hwm_reset(struct hwm *hwm)
{
    int error = mem_peak_reset(0);

    if (error == 0 && hwm->last > hwm->taken)
        hwm->taken = hwm->last;
    return error;
}

int64_t hwm_resolution(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);

    return (cpus > LEAST_BATCH / 2 ? 2 * cpus : LEAST_BATCH) * sysconf(_SC_PAGESIZE);
}
