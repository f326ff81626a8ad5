/*
 * What is resident in a process and what for, by the text of /proc/PID/smaps: mapping after mapping
 * a line that names it, and lines of numbers. Text alone: nothing is opened here.
 */
#ifndef MEMPROF_SMAPS_TEXT_H
#define MEMPROF_SMAPS_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/resident_parts.h"

enum smaps_kind {
    SMAPS_FILE, /* or the kernel's own, as [vdso] */
    SMAPS_SHARED,
    SMAPS_STACK,
    SMAPS_HEAP,
};

struct smaps_reader {
    struct resident_parts *parts; /* borrowed: where it is added */
    const uint64_t *stacks;       /* borrowed: an address in each thread's stack */
    size_t n_stacks;
    enum smaps_kind kind; /* of the mapping that the lines are about */
};

/* Sets *parts to 0. The order: smaps_begin(), smaps_line() for each line, without its end. */
void smaps_begin(struct smaps_reader *reader, const uint64_t *stacks, size_t n_stacks,
                 struct resident_parts *parts);

void smaps_line(struct smaps_reader *reader, const char *line);

#endif
