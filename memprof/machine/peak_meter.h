/*
 * The highest memory between two readings, by the kernel's high-water mark: what a line needed for
 * a moment and gave back. The HWM is set back whenever it could hide something: after a rise, and
 * after memory fell below where the HWM began.
 *
 * The HWM and the exact reading differ by a roughly constant offset, since the HWM counts pages in
 * batches. So heights are measured from the HWM value that is read right after the reset. A
 * transient smaller than a batch (hwm_resolution()) can be missed.
 *
 * One for each process; not thread-safe. Memory is in bytes.
 */
#ifndef MEMPROF_PEAK_METER_H
#define MEMPROF_PEAK_METER_H

#include <stdint.h>

struct peak_meter {
    /* Reads the HWM. 0, or -errno; -ESTALE once in a forked child, whose HWM is its own. */
    int (*read)(void *context, int64_t *bytes);
    int (*reset)(void *context);
    void *context; /* borrowed */
    int64_t level; /* the exact memory when the HWM was set back */
    int64_t base;  /* the HWM just after that */
    int error;     /* of the last reading or reset that failed; 0 when none did */
    uint64_t resets;
};

/*
 * The highest memory since the last call, given what is held now by an exact reading; never less
 * than `now`. Begins anew from `now`. Where the HWM cannot be had it is `now`, and `error` is set.
 */
int64_t peak_meter_take(struct peak_meter *peak, int64_t now);

#endif
