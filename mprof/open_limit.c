#include "mprof/open_limit.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static void interrupt(int signal)
{
    (void)signal;
}

void open_limit_begin(struct open_limit *limit)
{
    /* Without SA_RESTART: open() is to fail with EINTR, not to go on. */
    struct sigaction action = {.sa_handler = interrupt};
    sigset_t alarms;

    sigaction(SIGALRM, &action, &limit->action);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    /* Whoever started mprof may have left the alarm blocked. */
    sigprocmask(SIG_UNBLOCK, &alarms, &limit->mask);
    alarm(OPEN_LIMIT);
}

void open_limit_end(const struct open_limit *limit)
{
    int saved = errno;

    alarm(0);
    sigprocmask(SIG_SETMASK, &limit->mask, NULL);
    sigaction(SIGALRM, &limit->action, NULL);
    errno = saved;
}

const char *open_limit_why(int error)
{
    return error == -EINTR ? "nobody is at the other end of the pipe" : strerror(-error);
}
