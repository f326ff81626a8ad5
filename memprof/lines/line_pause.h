/*
 * Frames that wait while others run in their thread, each on a C stack of its own: greenlets. What
 * memory changes meanwhile is not theirs, as with a generator that is suspended.
 */
#ifndef MEMPROF_LINE_PAUSE_H
#define MEMPROF_LINE_PAUSE_H

#include "memprof/lines/line_stack.h"

/* All frames of the stack wait from now on, until line_stack_go_on(). */
void line_stack_pause(struct line_stack *stack);
void line_stack_go_on(struct line_stack *stack);

#endif
