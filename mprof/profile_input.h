/* The profiles that the arguments of `peak` and `plot` mean. */
#ifndef MPROF_PROFILE_INPUT_H
#define MPROF_PROFILE_INPUT_H

#include "mprof/profile_dir.h"

/* The exit status where there is no such file; scripts know it. */
#define PROFILE_INPUT_NONE 255

/* The newest profile, announced; NULL, with the reason on stdout, when there is none. */
const char *profile_input_last(const struct profile_dir *dir);

/* The file that an index or a name means; NULL, with one line on stdout, when there is none. */
const char *profile_input_named(const struct profile_dir *dir, const char *argument);

#endif
