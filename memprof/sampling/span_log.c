#include "memprof/sampling/span_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/grow.h"
#include "memprof/machine/guarded_fd.h"
#include "memprof/machine/quiet_thread.h"
#include "memprof/machine/waiter.h"

/* How often the thread looks for spans that have become long. */
#define WATCH_NS INT64_C(50000000)

/* How long the file is trusted to be still ours. */
#define VERIFY_NS INT64_C(1000000)

struct span {
    const void *key;
    const char *name;
    struct dat_point begin;
    int level;
    int announced; /* its BEGIN line is written */
};

struct span_stack {
    struct span_stack *next;
    struct span *spans;
    int depth;
    size_t capacity;
};

struct span_log {
    pthread_mutex_t lock;
    pthread_t thread;
    int thread_runs;
    struct waiter stop; /* woken: the thread is to end */
    struct dat_writer writer;
    int64_t verified_ns;
    char *path;  /* NULL: a file without a name */
    int read_fd; /* of that file; -1 where it has a name */
    struct guarded_fd file;
    struct span_stack *stacks;
    struct span_stack suspended; /* in no order; looked up by key */
};

/* ---- the file ---- */

static int open_file(struct span_log *recorder)
{
    int error = dat_writer_open(&recorder->writer, recorder->path, DAT_APPEND, 4);

    if (error != 0)
        return error;
    recorder->writer.fd = guarded_fd_move_high(recorder->writer.fd);
    return guarded_fd_remember(&recorder->file, recorder->writer.fd);
}

static int open_nameless(struct span_log *recorder)
{
    char name[] = "/tmp/memprof-spans-XXXXXX";
    int fd = mkstemp(name), error;

    if (fd < 0)
        return -errno;
    recorder->read_fd = guarded_fd_move_high(fd);
    recorder->path = name;
    error = open_file(recorder);
    recorder->path = NULL;
    unlink(name);
    return error;
}

/* The program may have closed our descriptor, and opened a file of its own under its number. */
static int verify_file(struct span_log *recorder, int64_t now)
{
    /* The first condition fails when the wall clock was set back. */
    if (now >= recorder->verified_ns && now - recorder->verified_ns < VERIFY_NS)
        return recorder->writer.fd < 0 ? -EBADF : 0;
    recorder->verified_ns = now;
    if (guarded_fd_is(&recorder->file, recorder->writer.fd))
        return 0;
    /* Not closed: the number may belong to a file of the program now. */
    recorder->writer.fd = -1;
    return recorder->path == NULL ? -EBADF : open_file(recorder);
}

/* ---- stacks ---- */

static int push(struct span_stack *stack, const struct span *span)
{
    struct span *spans =
        grow_double(stack->spans, sizeof *spans, (size_t)stack->depth + 1, &stack->capacity);

    if (spans == NULL)
        return -ENOMEM;
    stack->spans = spans;
    spans[stack->depth++] = *span;
    return 0;
}

/* Takes the innermost span of that key out of a stack. Returns whether there was one. */
static int take(struct span_stack *stack, const void *key, struct span *span)
{
    int at = stack->depth - 1;

    while (at >= 0 && stack->spans[at].key != key)
        at--;
    if (at < 0)
        return 0;
    *span = stack->spans[at];
    stack->depth--;
    memmove(&stack->spans[at], &stack->spans[at + 1], (size_t)(stack->depth - at) * sizeof *span);
    return 1;
}

/* From this thread's stack, else from any: a block may be left in another thread. */
static int take_anywhere(struct span_log *recorder, struct span_stack *stack, const void *key,
                         struct span *span)
{
    if (take(stack, key, span))
        return 1;
    for (stack = recorder->stacks; stack != NULL; stack = stack->next)
        if (take(stack, key, span))
            return 1;
    return take(&recorder->suspended, key, span);
}

/* ---- the thread ---- */

/* Writes BEGIN for the spans of a stack that are open since `long_since` or longer. */
static void announce(struct span_log *recorder, struct span_stack *stack, int64_t long_since)
{
    for (int i = 0; i < stack->depth; i++) {
        struct span *span = &stack->spans[i];

        if (span->announced || span->begin.moment_ns > long_since)
            continue;
        span->announced = 1;
        if (verify_file(recorder, clock_wall_ns()) == 0)
            dat_writer_begin(&recorder->writer, span->name, span->begin, span->level);
    }
}

static void announce_all(struct span_log *recorder, int64_t long_since)
{
    announce(recorder, &recorder->suspended, long_since);
    for (struct span_stack *stack = recorder->stacks; stack != NULL; stack = stack->next)
        announce(recorder, stack, long_since);
}

static void *watch(void *argument)
{
    struct span_log *recorder = argument;

    do {
        pthread_mutex_lock(&recorder->lock);
        announce_all(recorder, clock_wall_ns() - SPAN_LONG_NS);
        pthread_mutex_unlock(&recorder->lock);
    } while (!waiter_sleep_until_ns(&recorder->stop, clock_monotonic_ns() + WATCH_NS));
    return NULL;
}

static void start_thread(struct span_log *recorder)
{
    waiter_clear(&recorder->stop);
    recorder->thread_runs = quiet_thread_start(&recorder->thread, watch, recorder) == 0;
}

static void stop_thread(struct span_log *recorder)
{
    int runs;

    pthread_mutex_lock(&recorder->lock);
    runs = recorder->thread_runs;
    recorder->thread_runs = 0;
    waiter_wake(&recorder->stop);
    pthread_mutex_unlock(&recorder->lock);
    /* Without the lock: the thread may be waiting for it. */
    if (runs)
        pthread_join(recorder->thread, NULL);
}

/* ---- the interface ---- */

int span_log_new(struct span_log **result, const char *path)
{
    struct span_log *recorder = calloc(1, sizeof *recorder);
    int error;

    if (recorder == NULL)
        return -ENOMEM;
    error = waiter_init(&recorder->stop);
    if (error != 0) {
        free(recorder);
        return error;
    }
    pthread_mutex_init(&recorder->lock, NULL);
    recorder->writer.fd = recorder->read_fd = -1;
    if (path != NULL && (recorder->path = strdup(path)) == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = path == NULL ? open_nameless(recorder) : open_file(recorder);
    if (error == 0)
        *result = recorder;
    else
        span_log_free(recorder);
    return error;
}

void span_log_free(struct span_log *recorder)
{
    struct span_stack *stack, *next;

    stop_thread(recorder);
    if (verify_file(recorder, 0) == 0)
        dat_writer_release(&recorder->writer);
    if (recorder->read_fd >= 0)
        close(recorder->read_fd);
    for (stack = recorder->stacks; stack != NULL; stack = next) {
        next = stack->next;
        free(stack->spans);
        free(stack);
    }
    free(recorder->suspended.spans);
    free(recorder->path);
    waiter_release(&recorder->stop);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder);
}

int span_log_fd(const struct span_log *recorder)
{
    return recorder->read_fd;
}

struct span_stack *span_stack_new(struct span_log *recorder)
{
    struct span_stack *stack = calloc(1, sizeof *stack);

    if (stack == NULL)
        return NULL;
    pthread_mutex_lock(&recorder->lock);
    stack->next = recorder->stacks;
    recorder->stacks = stack;
    pthread_mutex_unlock(&recorder->lock);
    return stack;
}

void span_stack_clear(struct span_log *recorder, struct span_stack *stack)
{
    pthread_mutex_lock(&recorder->lock);
    stack->depth = 0;
    pthread_mutex_unlock(&recorder->lock);
}

int span_begin(struct span_log *recorder, struct span_stack *stack, const void *key,
               const char *name, int64_t bytes)
{
    struct span span = {key, name, {bytes, clock_wall_ns()}, 0, 0};
    int error;

    pthread_mutex_lock(&recorder->lock);
    span.level = stack->depth;
    error = push(stack, &span);
    /* Also after a fork, before which the thread was ended. */
    if (!recorder->thread_runs)
        start_thread(recorder);
    pthread_mutex_unlock(&recorder->lock);
    return error;
}

int span_end(struct span_log *recorder, struct span_stack *stack, const void *key, int64_t bytes)
{
    struct dat_point end = {bytes, clock_wall_ns()};
    struct span span;
    int error = -ENOENT;

    pthread_mutex_lock(&recorder->lock);
    if (take_anywhere(recorder, stack, key, &span)) {
        error = verify_file(recorder, end.moment_ns);
        if (error == 0)
            error = dat_writer_func(&recorder->writer, span.name, span.begin, end, span.level);
    }
    pthread_mutex_unlock(&recorder->lock);
    return error;
}

void span_suspend(struct span_log *recorder, struct span_stack *stack, const void *key)
{
    struct span span;

    pthread_mutex_lock(&recorder->lock);
    if (take(stack, key, &span))
        push(&recorder->suspended, &span);
    pthread_mutex_unlock(&recorder->lock);
}

int span_resume(struct span_log *recorder, struct span_stack *stack, const void *key)
{
    struct span span;
    int error = -ENOENT;

    pthread_mutex_lock(&recorder->lock);
    if (take(&recorder->suspended, key, &span))
        error = push(stack, &span);
    pthread_mutex_unlock(&recorder->lock);
    return error;
}

void span_log_before_fork(struct span_log *recorder)
{
    stop_thread(recorder);
    pthread_mutex_lock(&recorder->lock);
    /* The lock is kept until span_log_after_fork(): no other thread can hold it in the child. */
    announce_all(recorder, INT64_MAX);
}

void span_log_after_fork(struct span_log *recorder, int in_child)
{
    if (in_child) {
        for (struct span_stack *stack = recorder->stacks; stack != NULL; stack = stack->next)
            stack->depth = 0;
        recorder->suspended.depth = 0;
        (void)waiter_init(&recorder->stop);
    }
    pthread_mutex_unlock(&recorder->lock);
}
