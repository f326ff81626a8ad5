/* The functions and blocks of a profile by name, as somebody types it. Prints nothing. */
#ifndef MPROF_FUNCTION_NAMES_H
#define MPROF_FUNCTION_NAMES_H

#include <stddef.h>

#include "memprof/profile/profile.h"

struct function_names {
    const char **at; /* in order of the alphabet, each once; borrowed from the profile */
    size_t count;
};

/* All there are. 0 or -ENOMEM. */
int function_names_all(struct function_names *names, const struct profile *profile);

/*
 * Keeps those that are meant by `wanted`: the one that is called so; else those that are
 * memory_profiler's module.name when their classes are left out; else the only one that ends in it
 * behind a dot. None is left where nothing fits, or several could be meant.
 */
void function_names_choose(struct function_names *names, const char *wanted);

void function_names_release(struct function_names *names);

#endif
