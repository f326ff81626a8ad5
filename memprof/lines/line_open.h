/* The part of a running frame that can outlive the process. */
#ifndef MEMPROF_LINE_OPEN_H
#define MEMPROF_LINE_OPEN_H

#include <stdint.h>

#include "memprof/lines/line_table.h"

/*
 * What a frame that runs has not put into its table yet, told whenever it changes and read by
 * nobody but those who come after a crash: it may stand in a file (line_box.h), which others can
 * spoil.
 */
struct line_open {
    struct line_table *table; /* NULL: the frame is gone */
    struct line_row *row;     /* as in struct line_frame, which has them for events */
    int64_t start;
    int64_t entry;
};

#endif
