#include "memprof/machine/quiet_thread.h"

#include <errno.h>
#include <signal.h>

int quiet_thread_start(pthread_t *thread, void *(*run)(void *), void *context)
{
    return quiet_thread_start_sized(thread, run, context, QUIET_STACK_SIZE);
}

int quiet_thread_start_sized(pthread_t *thread, void *(*run)(void *), void *context, size_t size)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);

    if (error != 0)
        return -error;
    (void)pthread_attr_setstacksize(&attributes, size);
    /* A new thread has the mask of the one that makes it. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, &attributes, run, context);
    /* Where registers are many a stack needs more: the default one serves as well. */
    if (error == EINVAL)
        error = pthread_create(thread, NULL, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}
