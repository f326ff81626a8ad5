#include "memprof/machine/child_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/process.h"

/* How often the end of a process is asked for on kernels before 5.3. */
#define ASK_EVERY_NS 10000000

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    return fd >= 0 ? fd : -errno;
#else
    (void)pid;
    return -ENOSYS;
#endif
}

/* A child of ours is asked for without /proc, which need not be there. */
static bool has_ended(pid_t pid)
{
    struct process_info process;
    siginfo_t info = {0};

    /* waitid() succeeds for any child of ours, and leaves si_pid 0 while that runs. */
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        return info.si_pid == pid;
    /* A zombie whose other threads go on has not ended: only its first thread has. */
    return process_read(pid, &process) != 0 || (process.zombie && process_living_task(pid) == 0);
}

int child_wait_init(struct child_wait *watch, pid_t pid, const sigset_t *signals, int pipe_fd)
{
    watch->pid = pid;
    watch->pipe_fd = pipe_fd;
    watch->end_fd = open_pidfd(pid);
    /* Any other error, -ENOSYS before Linux 5.3, leaves end_fd negative: the end is asked for. */
    if (watch->end_fd == -ESRCH)
        return -ESRCH;
    watch->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (watch->signal_fd < 0) {
        int error = -errno;

        child_wait_release(watch);
        return error;
    }
    /* By default Linux lets a sleep end 50 us late. 1 ns is the least; 0 would mean the default. */
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    return 0;
}

void child_wait_release(struct child_wait *watch)
{
    if (watch->end_fd >= 0)
        close(watch->end_fd);
    if (watch->signal_fd >= 0)
        close(watch->signal_fd);
    watch->end_fd = watch->signal_fd = -1;
}

static int poll_until(struct pollfd polled[3], int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_monotonic_ns();
    struct timespec left = {0, 0};

    if (left_ns > 0) {
        left.tv_sec = (time_t)(left_ns / 1000000000);
        left.tv_nsec = (long)(left_ns % 1000000000);
    }
    return ppoll(polled, 3, deadline_ns == INT64_MAX ? NULL : &left, NULL);
}

int child_wait_next(struct child_wait *watch, int64_t deadline_ns)
{
    /* poll() passes over negative descriptors. */
    struct pollfd polled[3] = {
        {watch->end_fd, POLLIN, 0}, {watch->signal_fd, POLLIN, 0}, {watch->pipe_fd, POLLIN, 0}};
    int64_t until_ns, events = 0;

    do {
        until_ns = deadline_ns;
        if (watch->end_fd < 0 && clock_monotonic_ns() + ASK_EVERY_NS < until_ns)
            until_ns = clock_monotonic_ns() + ASK_EVERY_NS;
        /* EINTR is returned as if the moment had come: callers compare the clock themselves. */
        if (poll_until(polled, until_ns) < 0)
            return errno == EINTR ? 0 : -errno;
        if (polled[0].revents != 0 || (watch->end_fd < 0 && has_ended(watch->pid)))
            events |= CHILD_WAIT_END;
        if (polled[1].revents != 0)
            events |= CHILD_WAIT_SIGNAL;
        if (polled[2].revents != 0)
            events |= CHILD_WAIT_PIPE;
    } while (events == 0 && until_ns != deadline_ns);
    return (int)events;
}

int child_wait_signal(struct child_wait *watch)
{
    struct signalfd_siginfo info;

    return read(watch->signal_fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo
                                                                              : 0;
}
