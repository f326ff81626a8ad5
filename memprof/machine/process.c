#include "memprof/machine/process.h"

#include <errno.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/process_parts.h"

static int64_t nanoseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

int64_t process_own_peak(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? process_peak_of(&usage) : -1;
}

int process_collect(pid_t pid, int64_t inherited_bytes, struct process_end *end)
{
    struct rusage usage;
    siginfo_t info;
    int others;

    /* WNOWAIT: process_had_children() looks at the child before wait4() takes it away. */
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
        if (errno != EINTR)
            return -errno;
    others = process_had_children(pid);
    if (wait4(pid, &end->status, 0, &usage) != pid)
        return -errno;
    end->user_ns = nanoseconds(usage.ru_utime);
    end->system_ns = nanoseconds(usage.ru_stime);
    end->peak_bytes = process_peak_of(&usage);
    /* ru_maxrss is the largest of the child, of the children it collected, and of what it
     * inherited from the process that made it. Only a number above all others is surely the
     * child's own. */
    if (others || end->peak_bytes <= inherited_bytes)
        end->peak_bytes = -1;
    return 0;
}

void process_collect_orphans(pid_t own)
{
    siginfo_t info = {0};

    if (getpid() != 1)
        return;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
           info.si_pid != own && waitpid(info.si_pid, NULL, WNOHANG) == info.si_pid)
        info.si_pid = 0;
}
