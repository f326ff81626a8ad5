/*
 * The peaks of a profile: the largest memory (MiB) and its moment. A high-water mark (HWM) counts
 * beside the samples, so that a peak between two of them is not missed. Functions return 0, or
 * -ENODATA when nothing was recorded that tells.
 */
#ifndef MEMPROF_PROFILE_PEAK_H
#define MEMPROF_PROFILE_PEAK_H

#include "memprof/profile/profile.h"

/*
 * Of the process that was run. Where the samples are sums with descendants the HWMs of single
 * processes say nothing about them, and the samples count alone. What marked calls read counts
 * where it must be the process's own: without a HWM, and without descendants that may have
 * written it; or when there is nothing else.
 */
int profile_peak_root(const struct profile *profile, struct profile_sample *peak);

/*
 * Of a descendant. -ENODATA also for the root, and for processes that were not recorded on their
 * own (no -M).
 */
int profile_peak_process(const struct profile *profile, const struct profile_process *process,
                         struct profile_sample *peak);

/*
 * Beside profile_peak_root(), where children were recorded. Of the sum: what the process and its
 * children held together. Of the process alone, where the samples are sums: its HWM. -ENODATA where
 * that is profile_peak_root()'s, or not known.
 */
int profile_peak_sum(const struct profile *profile, struct profile_sample *peak);
int profile_peak_alone(const struct profile *profile, struct profile_sample *peak);

/*
 * Of the samples taken while a function of that name ran, and of what was read at its begins and
 * ends. -ENOENT: there is none of that name. Needs what profile_finish() has put in order.
 */
int profile_peak_function(const struct profile *profile, const char *name,
                          struct profile_sample *peak);

#endif
