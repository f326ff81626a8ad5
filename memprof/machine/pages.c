#include "memprof/machine/pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

void *pages_map(size_t bytes)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    int before = errno;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);

#ifdef MADV_NOHUGEPAGE
    if (address != MAP_FAILED)
        madvise(address, bytes, MADV_NOHUGEPAGE);
#endif
    errno = before;
    return address == MAP_FAILED ? NULL : address;
}

void pages_unmap(void *address, size_t bytes)
{
    int before = errno;

    if (address != NULL)
        munmap(address, bytes);
    errno = before;
}

size_t pages_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t pages_round(size_t bytes)
{
    size_t page = pages_size();

    return (bytes + page - 1) / page * page;
}
