/*
 * Calls something while the program is measured, so that what was found survives a kill: at the
 * first reading, whenever memory has risen by a tenth since, and every few seconds. The calls may
 * take a tenth of the time, however many functions there are to be saved.
 *
 * No thread and no signal: the program would see them. Where memory is read and a call is due, the
 * interpreter is asked to make the call in the main thread as soon as it is between
 * two instructions. While nothing is read nothing new is found, and nothing needs to be saved.
 * Other threads run meanwhile, so what the call needs cannot be told from what they need: it has to
 * need little.
 */
#ifndef MEMPROF_EXT_PERIODIC_SAVE_H
#define MEMPROF_EXT_PERIODIC_SAVE_H

#include "memprof/ext/base/module_state.h"

/* Parts of a module's state: a call that was asked for by one that is gone does nothing. */
int periodic_save_init(struct module_state *state);
void periodic_save_release(struct module_state *state);

/* Asks for the call when it is due; cheap while nobody wants it. `bytes`: what was just read. */
void periodic_save_check(struct module_state *state, int64_t bytes);

/* The function save_every(seconds, callback or None) of the module. */
PyObject *periodic_save_every(PyObject *module, PyObject *args);
extern const char periodic_save_every_doc[];

#endif
