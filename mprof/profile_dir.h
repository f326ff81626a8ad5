/* The profiles of the folder mprof works in: mprofile_ + 14 digits + .dat. */
#ifndef MPROF_PROFILE_DIR_H
#define MPROF_PROFILE_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct profile_dir {
    char **names; /* sorted: the oldest first */
    size_t count, capacity;
};

/* The length of such a name. */
#define PROFILE_NAME_LENGTH 27

/* Lists the current folder. 0 or -errno. */
int profile_dir_read(struct profile_dir *dir);

/* Frees the names. */
void profile_dir_release(struct profile_dir *dir);

/* Whether `name` is that of a profile. */
bool profile_dir_is_profile(const char *name);

/*
 * The file meant by an argument: an index into the list (-1 is the last), or a name, that of an
 * existing file first. NULL when there is no such file. The string belongs to `dir` or to the
 * caller of main.
 */
const char *profile_dir_find(const struct profile_dir *dir, const char *argument);

/* Writes the name of a profile that starts at `when`, local time. */
void profile_dir_name(time_t when, char name[PROFILE_NAME_LENGTH + 1]);

#endif
