#include "memprof/machine/malloc_state.h"

#include <errno.h>

int malloc_state_read(struct malloc_state *state)
{
    (void)state;
    return -ENOSYS;
}
