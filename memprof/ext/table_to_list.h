/* Tables of lines as Python sees them. Functions return a new reference, or NULL with an exception.
 */
#ifndef MEMPROF_EXT_TABLE_TO_LIST_H
#define MEMPROF_EXT_TABLE_TO_LIST_H

#include "memprof/ext/base/module_state.h"

/*
 * The lines of a table that ran: a list of (line, increment in bytes, largest memory in bytes,
 * occurrences, peak in bytes or None, time in nanoseconds or None). The last two are there where
 * `columns` (of enum line_measure) says that they were measured.
 */
PyObject *table_to_list(struct module_state *state, const struct line_table *table,
                        unsigned columns);

/* The same without a judgement: what was not measured is 0, and the last are ticks. */
PyObject *table_to_raw_list(const struct line_table *table);

/*
 * A dict in bytes: increments_bytes == entry_bytes + segments_bytes, where calls that run now count
 * up to the last line that was left.
 */
PyObject *table_ledger(const struct line_function *function);

#endif
