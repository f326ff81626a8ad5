/*
 * Which stack of Python runs, as a node of the log's tree: what was known of the thread's stack at
 * the event before is verified, frame by frame down to the root, and only what differs is looked
 * up. Nothing happens when Python calls or returns, so code that allocates nothing pays nothing.
 *
 * Code of the profiler itself is left out of stacks, and what it allocates belongs to none.
 *
 * It is exact: a node is a sequence of instructions, whichever frames hold them; and no frame is
 * read but what a living one has led to.
 */
#ifndef MEMPROF_EXT_FRAME_STACK_H
#define MEMPROF_EXT_FRAME_STACK_H

#include "memprof/ext/heap/code_registry.h"
#include "memprof/ext/heap/frame_walk.h"
#include "memprof/heap/alloc_log.h"

/* The node of what a thread runs; ALLOC_PYTHON where that is no Python code, ALLOC_NONE where it is
 * the profiler's. `holds`: it has
 * entered the log; else the log is locked where it has to be. ALLOC_NO_PYTHON without memory. */
uint32_t frame_stack_node(struct alloc_log *log, struct alloc_thread *thread,
                          const PyThreadState *state, bool holds);

/* What threads know means nothing any more: the log begins anew, or code has died. */
void frame_stack_forget(void);

/* The codes on the stacks of the log. */
extern struct code_registry frame_stack_codes;

/* Bytes of ours that are resident, at most. */
size_t frame_stack_bytes(void);

#endif
