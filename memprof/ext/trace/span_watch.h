/*
 * Calls of watched code objects as spans: a code has a list of watches, each says who writes its
 * calls and under which name.
 */
#ifndef MEMPROF_EXT_TRACE_SPAN_WATCH_H
#define MEMPROF_EXT_TRACE_SPAN_WATCH_H

#include "memprof/ext/base/module_state.h"
#include "memprof/sampling/span_log.h"

/* Who watches: a recorder of spans, and its stacks of open ones. */
struct span_watcher {
    struct module_state *state; /* borrowed: the owner of the watcher counts a reference */
    struct span_log *log;       /* owned by the watcher's owner */
    struct span_stack **stacks; /* by slot of the thread's line_stack */
    size_t n_stacks;
    int meter; /* index of what is read at a span's ends */
    struct span_watch *watches;
};

/* In two lists, as struct line_watch. */
struct span_watch {
    struct span_watch *next; /* of the same code */
    struct span_watch *next_of_watcher, **back_of_watcher;
    struct span_watcher *watcher;
    struct line_code *code;
    const char *name; /* borrowed: it lives as long as the watcher */
};

/* The watcher's stack of spans in a thread, made when first asked for; NULL without memory. */
struct span_stack *span_watcher_stack(struct span_watcher *watcher, const struct line_stack *stack);

/* Memory as the watcher's meter reads it now, bytes. */
int64_t span_watcher_memory(struct span_watcher *watcher, struct line_stack *stack);

/* The watcher's watch of a code, added if there was none; NULL with an exception. */
struct span_watch *span_watch_add(struct span_watcher *watcher, struct line_code *code);
void span_watch_remove(struct span_watch *watch);

/* The code is gone: nobody records its calls any more. */
void span_watch_forget(struct line_code *code);

/* Events of a code object that has spans. `key` is the interpreter's frame. */
void span_watch_start(struct line_stack *stack, const struct line_code *code, const void *key);
void span_watch_resume(struct line_stack *stack, const struct line_code *code, const void *key);
void span_watch_leave(struct line_stack *stack, const struct line_code *code, const void *key,
                      enum line_leave how);

#endif
