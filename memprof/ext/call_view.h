/* The type _memprof.CallView: the whole program's calls, counted and listed. */
#ifndef MEMPROF_EXT_CALL_VIEW_H
#define MEMPROF_EXT_CALL_VIEW_H

#include "memprof/ext/base/module_state.h"

extern PyType_Spec call_view_type_spec;

#endif
