#include "memprof/machine/waiter.h"

void waiter_release(struct waiter *waiter)
{
    pthread_mutex_destroy(&waiter->mutex);
    pthread_cond_destroy(&waiter->cond);
}

void waiter_wake(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->mutex);
    waiter->woken = 1;
    pthread_cond_broadcast(&waiter->cond);
    pthread_mutex_unlock(&waiter->mutex);
}

void waiter_clear(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->mutex);
    waiter->woken = 0;
    pthread_mutex_unlock(&waiter->mutex);
}
