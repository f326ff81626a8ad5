#include "memprof/machine/got_patch.h"

#include <errno.h>

void *got_original(const char *name)
{
    (void)name;
    return NULL;
}

int got_patch_all(struct got_patch *patch, const struct got_name *names, size_t n_names,
                  const void *skip)
{
    (void)patch;
    (void)names;
    (void)n_names;
    (void)skip;
    return -ENOTSUP;
}

int got_patch_new(struct got_patch *patch)
{
    (void)patch;
    return -ENOTSUP;
}

void got_patch_restore(struct got_patch *patch)
{
    (void)patch;
}

bool got_holder_find(struct got_holder *holder, const void *address)
{
    (void)holder;
    (void)address;
    return false;
}

size_t got_patch_bytes(const struct got_patch *patch)
{
    (void)patch;
    return 0;
}
