/* The curve of a frame: braille, or ASCII; filled below. */
#ifndef PLOTS_TOP_CURVE_H
#define PLOTS_TOP_CURVE_H

#include "memprof/profile/live_run.h"
#include "plots/screen.h"

/* Draws it with its scales into so many rows from `top` on. `now` is its right end. */
void top_curve_draw(struct screen *screen, int top, int rows, const struct live_run *run,
                    double now);

/* The limit that matters, in bytes: the least that is known. 0: none. */
int64_t top_curve_limit(const struct live_run *run, enum profile_limit *which);

#endif
