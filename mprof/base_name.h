#ifndef MPROF_BASE_NAME_H
#define MPROF_BASE_NAME_H

#include <string.h>

/* What a path names, without its folders. A part of `path`. */
static inline const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

#endif
