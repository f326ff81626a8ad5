/*
 * Python 3.10 and 3.11: generators and coroutines run long after the call that made them, in
 * whoever resumes them; and threads that ran before know nothing of a profiler that is enabled.
 * While there is need, this hook (PEP 523) sees every frame begin, and arms the tracer for those
 * that are watched.
 */
#ifndef MEMPROF_EXT_EVAL_HOOK_H
#define MEMPROF_EXT_EVAL_HOOK_H

#include "memprof/ext/base/module_state.h"

/* Installs the hook, or counts one more who needs it. Chains to a hook that was there. */
void eval_hook_install(struct module_state *state);

/* Undoes one eval_hook_install(). */
void eval_hook_remove(void);

#endif
