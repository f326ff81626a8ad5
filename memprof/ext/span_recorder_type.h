/*
 * The type _memprof.SpanRecorder: calls of decorated functions, and blocks, as lines of a profile
 * file; and what the tracers tell it.
 */
#ifndef MEMPROF_EXT_SPAN_RECORDER_TYPE_H
#define MEMPROF_EXT_SPAN_RECORDER_TYPE_H

#include "memprof/ext/base/module_state.h"

extern PyType_Spec span_recorder_type_spec;

/* The code is gone: nobody records its calls any more. */
void span_watch_forget(struct line_code *code);

/* Events of a code object that has spans. */
void span_watch_start(struct line_stack *stack, const struct line_code *code, const void *key);
void span_watch_resume(struct line_stack *stack, const struct line_code *code, const void *key);
void span_watch_leave(struct line_stack *stack, const struct line_code *code, const void *key,
                      enum line_leave how);

#endif
