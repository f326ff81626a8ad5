/* The last line of a recording, on stderr. */
#ifndef MPROF_LAST_LINE_H
#define MPROF_LAST_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "memprof/machine/process.h"
#include "memprof/profile/profile.h"
#include "memprof/profile/run_ending.h"
#include "memprof/sampling/sampler.h"

struct last_line {
    const struct sampler *sampler;
    const struct process_end *end; /* NULL where the process was not ours */
    const struct run_ending *ending;
    const int64_t *limits; /* borrowed: of each enum profile_limit bytes, 0: none */
    const char *file;      /* the profile */
    bool named_by_us;      /* it is what commands take where none is named */
    int64_t real_ns;
};

/* The peak, how the program ended if not well, its times, the samples, limits of memory, the file,
 * what to do next. */
void last_line_print(const struct last_line *line);

#endif
