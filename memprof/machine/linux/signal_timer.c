#include "memprof/machine/signal_timer.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * By system calls: glibc had the functions in a library of its own until 2.34, and what is linked
 * against a newer one would not start with an older one.
 */

int signal_timer_init(struct signal_timer *timer, int number)
{
    struct sigevent event;

    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = number;
    event.sigev_value.sival_ptr = timer;
    timer->mark = timer;
    return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer->id) == 0 ? 0 : -errno;
}

void signal_timer_release(struct signal_timer *timer)
{
    (void)syscall(SYS_timer_delete, timer->id);
}

void signal_timer_set(const struct signal_timer *timer, int64_t ns)
{
    struct itimerspec when = {.it_value = {ns / 1000000000, ns % 1000000000}};

    (void)syscall(SYS_timer_settime, timer->id, 0, &when, NULL);
}

bool signal_timer_sent(const struct signal_timer *timer, const siginfo_t *info)
{
    return info->si_code == SI_TIMER && info->si_value.sival_ptr == timer->mark;
}
