/* --types: how the program is asked for its types, and whether it told them. */
#ifndef MPROF_TYPE_REQUEST_H
#define MPROF_TYPE_REQUEST_H

#include <math.h>
#include <stdbool.h>

#include "memprof/profile/dat_writer.h"

/* In the place of seconds; nobody can write it as a number. */
#define TYPES_NOT_ASKED ((double)INFINITY)

/* Whether the seconds will do, after one line where they will not. 0 or the exit status. */
int type_request_check(double seconds);

/* Says so in the environment of what is started: to the program alone, or to all below. 0 or -1. */
int type_request_set(double seconds, bool of_all);

/* One line where nothing in the profile was told of types. */
void type_request_report(double seconds, const struct dat_writer *writer);

#endif
