/* The part of a running frame that can outlive the process. */
#ifndef MEMPROF_LINE_OPEN_H
#define MEMPROF_LINE_OPEN_H

#include <stdint.h>

#include "memprof/lines/line_table.h"

/*
 * What a frame that runs has not put into its table yet. It lies apart from the rest, and holds no
 * pointer that would have to be trusted after it was lost: it may stand in a file (line_box.h).
 */
struct line_open {
    struct line_table *table; /* for those who read it after a crash; NULL: the frame is gone */
    struct line_row *row;     /* the line that runs; NULL before the first */
    int64_t start;            /* memory when that line, or its present segment, started */
    int64_t entry;            /* memory when the frame's segment started */
};

#endif
