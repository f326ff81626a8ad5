#include "memprof/machine/reserve.h"

#include <sys/mman.h>

void reserve_take(struct reserve *reserve, size_t bytes)
{
    void *address;

    if (reserve->address != NULL)
        return;
    /* Writable: a limit of data segments counts no other mappings. */
    address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        return;
    reserve->address = address;
    reserve->bytes = bytes;
}

void reserve_give_back(struct reserve *reserve)
{
    if (reserve->address == NULL)
        return;
    munmap(reserve->address, reserve->bytes);
    reserve->address = NULL;
}
