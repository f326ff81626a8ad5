/* Signals that end a process whose terminal is to be given back first. */
#ifndef MPROF_FATAL_SIGNALS_H
#define MPROF_FATAL_SIGNALS_H

#include <signal.h>

/* Calls a handler that is safe in handlers of signals before any of those that end us, but SIGKILL;
 * what is ignored (nohup) stays so, what is blocked waits. */
void fatal_signals_before(void (*handler)(void));

#endif
