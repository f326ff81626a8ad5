#include "memprof/machine/signal_timer.h"

#include <errno.h>

/* There is setitimer() alone, which is the program's. */

int signal_timer_init(struct signal_timer *timer, int number)
{
    (void)timer, (void)number;
    return -ENOSYS;
}

void signal_timer_release(struct signal_timer *timer)
{
    (void)timer;
}

void signal_timer_set(const struct signal_timer *timer, int64_t ns)
{
    (void)timer, (void)ns;
}

bool signal_timer_sent(const struct signal_timer *timer, const siginfo_t *info)
{
    (void)timer, (void)info;
    return false;
}
