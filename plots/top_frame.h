/*
 * A frame of `mprof top`. From above: a title, what the run holds, the curve, below it the list
 * (processes and open calls, or types, or help), and the keys. A small window gives up the curve
 * first.
 */
#ifndef PLOTS_TOP_FRAME_H
#define PLOTS_TOP_FRAME_H

#include <stdio.h>

#include "plots/top_facts.h"
#include "plots/screen.h"

/* 0 or -ENOMEM. */
int top_frame_draw(struct top_facts *view, struct screen *screen);

/* What stands in a line of a log: no colours, ASCII but for names. */
void top_frame_line(const struct top_facts *view, FILE *out);

#endif
