/* What line_profiler.c needs of line_stack.c when it runs out of room: 0 or -ENOMEM. */
#ifndef MEMPROF_LINE_STACK_H
#define MEMPROF_LINE_STACK_H

#include "memprof/lines/line_profiler.h"

/* Room for twice as many frames. */
int line_stack_grow(struct line_stack *stack);

/* Room for the stack with this number. */
int line_function_grow_slots(struct line_function *function, int slot);

#endif
