/* The frames of `mprof top`, or its lines where there is no terminal to draw on. */
#ifndef MPROF_TOP_VIEW_H
#define MPROF_TOP_VIEW_H

#include "mprof/top_source.h"

/* Seconds between frames, and between lines. */
#define TOP_FRAME_S 0.25
#define TOP_LINE_S 1.0

/*
 * Shows the source until somebody quits or the timeout comes; lines end with the run. In seconds;
 * an interval of NAN is the usual one, a timeout of 0 none. Returns the exit status.
 */
int top_view_run(struct top_source *source, double interval, double timeout);

#endif
