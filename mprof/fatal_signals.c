#include "mprof/fatal_signals.h"

#include <errno.h>
#include <stddef.h>

static const int fatal[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,  SIGABRT, SIGBUS,
                            SIGFPE,  SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,  SIGALRM, SIGTERM,
                            SIGXCPU, SIGXFSZ, SIGPROF, SIGSYS,  SIGVTALRM};

static void (*before)(void);

/* Its action is the default one again (SA_RESETHAND): it ends us when the handler returns. */
static void on_fatal(int number)
{
    int error = errno;

    before();
    (void)raise(number);
    errno = error;
}

void fatal_signals_before(void (*handler)(void))
{
    struct sigaction action = {.sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND}, found;

    before = handler;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        if (sigaction(fatal[i], NULL, &found) == 0 && found.sa_handler == SIG_DFL)
            (void)sigaction(fatal[i], &action, NULL);
}
