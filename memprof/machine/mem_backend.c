#include "memprof/machine/mem_backend.h"

#include <errno.h>
#include <string.h>

/* The first of each backend is its own name. */
static const struct {
    const char *name;
    enum mem_backend backend;
} names[] = {
    {"rss", MEM_RSS},        {"pss", MEM_PSS},
    {"uss", MEM_USS},        {"tracemalloc", MEM_TRACEMALLOC},
    {"psutil", MEM_RSS},     {"psutil_pss", MEM_PSS},
    {"psutil_uss", MEM_USS}, {"posix", MEM_RSS},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

int mem_backend_find(const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strcmp(names[i].name, name) == 0)
            return (int)names[i].backend;
    return -EINVAL;
}

const char *mem_backend_name(enum mem_backend backend)
{
    size_t i = 0;

    while (names[i].backend != backend)
        i++;
    return names[i].name;
}

const char *mem_backend_known(size_t index)
{
    return index < NAME_COUNT ? names[index].name : NULL;
}
