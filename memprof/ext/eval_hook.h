/*
 * Python 3.10 and 3.11: generators and coroutines run long after the call that made them, in
 * whoever resumes them. Once one is decorated, this hook (PEP 523) sees every frame begin and arms
 * the tracer for those that are watched.
 */
#ifndef MEMPROF_EXT_EVAL_HOOK_H
#define MEMPROF_EXT_EVAL_HOOK_H

#include "memprof/ext/module_state.h"

/* Installs the hook; once is enough. Chains to a hook that was there. */
void eval_hook_install(struct module_state *state);

#endif
