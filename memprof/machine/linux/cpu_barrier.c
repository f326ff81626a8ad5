#include "memprof/machine/cpu_barrier.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of linux/membarrier.h, which old headers do not have; Linux 4.14. */
enum { BARRIER = 1 << 3, REGISTER = 1 << 4 };

int cpu_barrier_register(void)
{
#ifdef SYS_membarrier
    int error = errno, result = syscall(SYS_membarrier, REGISTER, 0) == 0 ? 0 : -errno;

    errno = error;
    return result;
#else
    return -ENOSYS;
#endif
}

void cpu_barrier(void)
{
#ifdef SYS_membarrier
    int error = errno;

    syscall(SYS_membarrier, BARRIER, 0);
    errno = error;
#endif
}
