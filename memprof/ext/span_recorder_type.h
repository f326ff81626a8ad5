/* The type _memprof.SpanRecorder: calls of decorated functions, and blocks, as lines of a profile
 * file. */
#ifndef MEMPROF_EXT_SPAN_RECORDER_TYPE_H
#define MEMPROF_EXT_SPAN_RECORDER_TYPE_H

#include "memprof/ext/base/module_state.h"

extern PyType_Spec span_recorder_type_spec;

#endif
