#include "memprof/machine/peak_meter.h"

/* Sets the HWM back to where memory is now. */
static void begin_anew(struct peak_meter *peak, int64_t now)
{
    int error = peak->reset(peak->context);

    if (error == 0)
        error = peak->read(peak->context, &peak->base);
    if (error != 0)
        peak->error = error;
    peak->level = now;
    peak->resets++;
}

int64_t peak_meter_take(struct peak_meter *peak, int64_t now)
{
    int64_t hwm = 0, high = now;
    int error = peak->read(peak->context, &hwm);

    if (error != 0) {
        peak->error = error;
        /* After -ESTALE `base` and `level` are still the parent's: they must not be used. */
        begin_anew(peak, now);
        return now;
    }
    if (hwm > peak->base && peak->level + hwm - peak->base > now)
        high = peak->level + hwm - peak->base;
    /* Where neither moved, the HWM hides nothing: the reset, an open and a write, is saved. */
    if (hwm != peak->base || now != peak->level)
        begin_anew(peak, now);
    return high;
}
