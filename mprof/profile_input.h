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

/*
 * Opens a profile for reading; "-" is standard input. A descriptor, or -errno: -EINTR nobody writes
 * to the pipe, -ENOTSUP it is a device, which may have no end.
 */
int profile_input_open(const char *name);

/* Closes what profile_input_open() gave. */
void profile_input_close(int fd);

/* What an error of opening or reading a profile means. */
const char *profile_input_why(int error);

#endif
