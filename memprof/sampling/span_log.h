/*
 * Marked calls and blocks, as FUNC and BEGIN lines of a profile file: written as each ends, so that
 * whatever happens to the process later, what ended before is in the file. A span that has been
 * open for SPAN_LONG_NS is announced by a BEGIN line, from a thread that the first span starts.
 *
 * One lock is held inside every call; callers may be in any thread. Memory in bytes, moments in
 * nanoseconds since the epoch. Functions that return int return 0 or -errno.
 */
#ifndef MEMPROF_SPAN_LOG_H
#define MEMPROF_SPAN_LOG_H

#include <stdint.h>

#include "memprof/profile/dat_writer.h"

#define SPAN_LONG_NS INT64_C(100000000)

struct span_log;

/* The spans open in one thread; the innermost is last. */
struct span_stack;

/*
 * Records into `path`, which is appended to; NULL records into a file without a name. The name is
 * copied, the log is the caller's.
 */
int span_log_new(struct span_log **log, const char *path);

/* Closes the file. Spans that are open stay without an end. */
void span_log_free(struct span_log *log);

/* A descriptor for reading back what was recorded in a file without a name, else -1. Borrowed. */
int span_log_fd(const struct span_log *log);

/* Of a thread; owned by the log. NULL without memory. */
struct span_stack *span_stack_new(struct span_log *log);

/* Forgets what is open: the thread is gone. */
void span_stack_clear(struct span_log *log, struct span_stack *stack);

/*
 * A span begins. `key` tells it from others that are open (a frame's address); `name` is
 * borrowed until it ends. Its level is the number of spans open in the thread.
 */
int span_begin(struct span_log *log, struct span_stack *stack, const void *key, const char *name,
               int64_t bytes);

/* It ends, and is written. -ENOENT when none of that key is open; -errno of the write. */
int span_end(struct span_log *log, struct span_stack *stack, const void *key, int64_t bytes);

/* A generator or coroutine is left for a while, and taken up again, maybe in another thread. */
void span_suspend(struct span_log *log, struct span_stack *stack, const void *key);
int span_resume(struct span_log *log, struct span_stack *stack, const void *key);

/*
 * Around a fork: the thread ends before, so that the process has one thread (Python 3.13 counts
 * them after the fork, too), and the next span starts it again; what is open then is announced at
 * once. The child goes on writing to the same file, but not about its parent's spans. Several
 * threads may fork at once, and no lock is held from one call to the other: at the fork itself
 * nobody may be inside of another call, as the interpreter's lock sees to.
 */
void span_log_before_fork(struct span_log *log);
void span_log_after_fork(struct span_log *log, int in_child);

#endif
