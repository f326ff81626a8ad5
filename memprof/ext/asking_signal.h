/*
 * Signals by which somebody outside asks for the tables: one that ends the program (SIGTERM), and
 * one that does not.
 *
 * A handler in C, of which the signal module knows nothing, asks the interpreter to call back
 * between two instructions of the main thread. Where that sits in C code nothing would come of it;
 * so a timer sends the signal once more, and the handler starts a side process then, which reads
 * the black box. A handler that the program installs replaces ours. A forked child has what the
 * process had before; so has whatever is executed.
 */
#ifndef MEMPROF_EXT_ASKING_SIGNAL_H
#define MEMPROF_EXT_ASKING_SIGNAL_H

#include "memprof/ext/base/module_state.h"

/* Adds the functions ask_by_signal(), hold_signals() and let_go_of_signals() to the module. 0, or
 * -1 with an exception. */
int asking_signal_add(PyObject *module);

#endif
