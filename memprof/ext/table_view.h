/*
 * A finished table of the import form, handed to Python to be printed: a row is made when it is
 * written, so that printing, which happens in the middle of the program, needs no memory that grows
 * with the table. Functions of Python that let other threads run may come between two rows.
 */
#ifndef MEMPROF_EXT_TABLE_VIEW_H
#define MEMPROF_EXT_TABLE_VIEW_H

#include "memprof/ext/base/module_state.h"

/* Valid until table_view_end(). New reference, or NULL with an exception. */
PyObject *table_view_new(struct module_state *state, const struct line_table *table,
                         unsigned columns);

/* The table goes; whoever kept the view gets a ValueError from now on. */
void table_view_end(PyObject *view);

/* Functions of the module: 0, or -1 with an exception. */
int table_view_add(PyObject *module);

#endif
