/* A thread of ours in somebody else's program. */
#ifndef MEMPROF_QUIET_THREAD_H
#define MEMPROF_QUIET_THREAD_H

#include <pthread.h>
#include <stddef.h>

/* Bytes of a small stack. */
#define QUIET_STACK_SIZE ((size_t)256 * 1024)

/*
 * Starts `run(context)` with all signals blocked, since they are the program's, and a small stack.
 * The caller joins it. 0 or -errno.
 */
int quiet_thread_start(pthread_t *thread, void *(*run)(void *), void *context);

/* With a stack of so many bytes: for what runs Python. */
int quiet_thread_start_sized(pthread_t *thread, void *(*run)(void *), void *context, size_t size);

#endif
