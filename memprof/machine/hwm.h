/*
 * The high-water mark of this process: the most that was resident since the HWM was last set back.
 * Setting it back changes what the program itself reads as its peak (VmHWM, ru_maxrss).
 *
 * The order of calls: hwm_init(), then hwm_read() and hwm_reset(), then hwm_release(). A process
 * has one HWM, so it should have one struct hwm.
 *
 * Units are bytes. Functions return 0 or -errno: -ENOSYS where the system has no such HWM, -EACCES
 * where it may not be set back.
 */
#ifndef MEMPROF_HWM_H
#define MEMPROF_HWM_H

#include <stdint.h>
#include <sys/types.h>

struct hwm {
    pid_t pid;     /* whose HWM: another one after a fork */
    int64_t floor; /* what getrusage() never goes below: it also knows the time before exec */
    int64_t last;  /* as read last */
    int64_t taken; /* the highest that was set back: other readers of the HWM miss it */
};

/* Sets the HWM back for the first time. */
int hwm_init(struct hwm *hwm);
void hwm_release(struct hwm *hwm);

/* -ESTALE once in a forked child: the HWM is that of the child from then on. */
int hwm_read(struct hwm *hwm, int64_t *bytes);
int hwm_reset(struct hwm *hwm);

/* A rise of the HWM can be missed up to so many bytes: the kernel counts pages in batches. */
int64_t hwm_resolution(void);

#endif
