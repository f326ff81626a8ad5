/* A profile as a trace: the JSON that Perfetto and chrome://tracing read. */
#ifndef PLOTS_TRACE_WRITE_H
#define PLOTS_TRACE_WRITE_H

#include <stdbool.h>
#include <stdio.h>

#include "memprof/profile/profile.h"

/*
 * Writes every sample as a counter ("C", in MiB) of its process, and marked calls and blocks as
 * slices ("X"; "B" of those that never ended) unless `no_functions`. `ts` is in microseconds from
 * the earliest moment. A file that does not say which process it is of has pid 1. `title` is what
 * the program is called; NULL: its command line. All names are UTF-8 in one line
 * (plot_text_visible()). 0, -ENODATA: there is nothing to tell, -ENOMEM, or -EIO.
 */
int trace_write(FILE *out, const struct profile *profile, const char *title, bool no_functions);

#endif
