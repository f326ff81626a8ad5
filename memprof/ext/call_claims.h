/*
 * Which calls are printed, and how: closures of one `def` share their code, and each of them may
 * have been decorated in another way, or not at all. A claim says what a function object asked for;
 * it lasts as long as what profile() returned.
 */
#ifndef MEMPROF_EXT_CALL_CLAIMS_H
#define MEMPROF_EXT_CALL_CLAIMS_H

#include "memprof/ext/line_profiler_object.h"

/* Methods of a profiler with per_call. */
PyObject *call_claims_add(PyObject *profiler, PyObject *args);
extern const char call_claims_add_doc[];

/* What stands in for a function holds its claim. 0, or -1 with an exception. */
int call_claims_hold(struct profiler_object *self, PyObject *function, PyObject *stand_in);

/* line_profiler.claimed and .disowned. Keep a pending exception. */
bool call_claims_look_up(struct line_function *function, const struct line_frame *frame,
                         const void *key, void **owner);
void call_claims_let_go(void *owner);

#endif
