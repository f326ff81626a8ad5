#include "memprof/machine/child_wait.h"

#include <errno.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include "memprof/machine/clock.h"

/*
 * One kqueue tells everything: it stands in end_fd, and signal_fd stays unused. Its signal events
 * come for blocked signals too, but do not take the signal: child_wait_signal() does.
 */

static int add(int queue, uintptr_t identifier, int16_t filter, uint32_t details)
{
    struct kevent change;

    EV_SET(&change, identifier, filter, EV_ADD, details, 0, NULL);
    return kevent(queue, &change, 1, NULL, 0, NULL) == 0 ? 0 : -errno;
}

static int add_signals(int queue, const sigset_t *signals)
{
    int error = 0;

    for (int signal = 1; signal < NSIG && error == 0; signal++)
        if (sigismember(signals, signal) == 1)
            error = add(queue, (uintptr_t)signal, EVFILT_SIGNAL, 0);
    return error;
}

int child_wait_init(struct child_wait *watch, pid_t pid, const sigset_t *signals, int pipe_fd)
{
    int error;

    watch->pid = pid;
    watch->pipe_fd = pipe_fd;
    watch->signal_fd = -1;
    watch->end_fd = kqueue(); /* never inherited through fork */
    if (watch->end_fd < 0)
        return -errno;
    error = add(watch->end_fd, (uintptr_t)pid, EVFILT_PROC, NOTE_EXIT);
    if (error == 0)
        error = add_signals(watch->end_fd, signals);
    if (error == 0 && pipe_fd >= 0)
        error = add(watch->end_fd, (uintptr_t)pipe_fd, EVFILT_READ, 0);
    if (error != 0)
        child_wait_release(watch);
    return error;
}

void child_wait_release(struct child_wait *watch)
{
    if (watch->end_fd >= 0)
        close(watch->end_fd);
    watch->end_fd = watch->signal_fd = -1;
}

static int bit_of(const struct kevent *event)
{
    switch (event->filter) {
    case EVFILT_PROC:
        return CHILD_WAIT_END;
    case EVFILT_SIGNAL:
        return CHILD_WAIT_SIGNAL;
    default:
        return CHILD_WAIT_PIPE;
    }
}

int child_wait_next(struct child_wait *watch, int64_t deadline_ns)
{
    int64_t left_ns = deadline_ns - clock_monotonic_ns();
    struct timespec left = {0, 0};
    struct kevent came[8];
    int count, bits = 0;

    if (left_ns > 0) {
        left.tv_sec = (time_t)(left_ns / 1000000000);
        left.tv_nsec = (long)(left_ns % 1000000000);
    }
    count = kevent(watch->end_fd, NULL, 0, came, 8, deadline_ns == INT64_MAX ? NULL : &left);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++)
        bits |= bit_of(&came[i]);
    return bits;
}

int child_wait_signal(struct child_wait *watch)
{
    sigset_t pending, one;
    int taken;

    (void)watch;
    if (sigpending(&pending) != 0)
        return 0;
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigismember(&pending, signal) != 1)
            continue;
        sigemptyset(&one);
        sigaddset(&one, signal);
        if (sigwait(&one, &taken) == 0)
            return taken;
    }
    return 0;
}
