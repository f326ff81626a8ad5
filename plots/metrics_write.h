/* What a profile says in the end, in Prometheus' text exposition format. */
#ifndef PLOTS_METRICS_WRITE_H
#define PLOTS_METRICS_WRITE_H

#include <stdio.h>

#include "memprof/profile/profile.h"

/*
 * Writes gauges: memory at the last sample and at the peak of each process, parts, limits, the end.
 * Bytes and seconds; no time stamps, so that a collector of text files takes them. Labels are UTF-8
 * in one line (plot_text_visible()). What was not recorded has no line. 0, -ENODATA: there is no
 * sample, -ENOMEM, or -EIO.
 */
int metrics_write(FILE *out, const struct profile *profile);

#endif
