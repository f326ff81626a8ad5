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
    int forks;          /* that are under way: no thread begins meanwhile */
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

static int open_file(struct span_log *log)
{
    int error = dat_writer_open(&log->writer, log->path, DAT_APPEND, 4);

    if (error != 0)
        return error;
    log->writer.fd = guarded_fd_move_high(log->writer.fd);
    return guarded_fd_remember(&log->file, log->writer.fd);
}

static int open_nameless(struct span_log *log)
{
    char name[] = "/tmp/memprof-spans-XXXXXX";
    int fd = mkstemp(name), error;

    if (fd < 0)
        return -errno;
    log->read_fd = guarded_fd_move_high(fd);
    log->path = name;
    error = open_file(log);
    log->path = NULL;
    unlink(name);
    return error;
}

/* The program may have closed our descriptor, and opened a file of its own under its number. */
static int verify_file(struct span_log *log, int64_t now)
{
    /* The first condition fails when the wall clock was set back. */
    if (now >= log->verified_ns && now - log->verified_ns < VERIFY_NS)
        return log->writer.fd < 0 ? -EBADF : 0;
    log->verified_ns = now;
    if (guarded_fd_is(&log->file, log->writer.fd))
        return 0;
    /* Not closed: the number may belong to a file of the program now. */
    log->writer.fd = -1;
    return log->path == NULL ? -EBADF : open_file(log);
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
static int take_anywhere(struct span_log *log, struct span_stack *stack, const void *key,
                         struct span *span)
{
    if (take(stack, key, span))
        return 1;
    for (stack = log->stacks; stack != NULL; stack = stack->next)
        if (take(stack, key, span))
            return 1;
    return take(&log->suspended, key, span);
}

/* ---- the thread ---- */

/* Writes BEGIN for the spans of a stack that are open since `long_since` or longer. */
static void announce(struct span_log *log, struct span_stack *stack, int64_t long_since)
{
    for (int i = 0; i < stack->depth; i++) {
        struct span *span = &stack->spans[i];

        if (span->announced || span->begin.moment_ns > long_since)
            continue;
        span->announced = 1;
        if (verify_file(log, clock_wall_ns()) == 0)
            dat_writer_begin(&log->writer, span->name, span->begin, span->level);
    }
}

static void announce_all(struct span_log *log, int64_t long_since)
{
    announce(log, &log->suspended, long_since);
    for (struct span_stack *stack = log->stacks; stack != NULL; stack = stack->next)
        announce(log, stack, long_since);
}

static void *watch(void *argument)
{
    struct span_log *log = argument;

    do {
        pthread_mutex_lock(&log->lock);
        announce_all(log, clock_wall_ns() - SPAN_LONG_NS);
        pthread_mutex_unlock(&log->lock);
    } while (!waiter_sleep_until_ns(&log->stop, clock_monotonic_ns() + WATCH_NS));
    return NULL;
}

static void start_thread(struct span_log *log)
{
    waiter_clear(&log->stop);
    log->thread_runs = quiet_thread_start(&log->thread, watch, log) == 0;
}

static void stop_thread(struct span_log *log)
{
    int runs;

    pthread_mutex_lock(&log->lock);
    runs = log->thread_runs;
    log->thread_runs = 0;
    waiter_wake(&log->stop);
    pthread_mutex_unlock(&log->lock);
    /* Without the lock: the thread may be waiting for it. */
    if (runs)
        pthread_join(log->thread, NULL);
}

/* ---- the interface ---- */

int span_log_new(struct span_log **result, const char *path)
{
    struct span_log *log = calloc(1, sizeof *log);
    int error;

    if (log == NULL)
        return -ENOMEM;
    error = waiter_init(&log->stop);
    if (error != 0) {
        free(log);
        return error;
    }
    pthread_mutex_init(&log->lock, NULL);
    log->writer.fd = log->read_fd = -1;
    if (path != NULL && (log->path = strdup(path)) == NULL)
        error = -ENOMEM;
    if (error == 0)
        error = path == NULL ? open_nameless(log) : open_file(log);
    if (error == 0)
        *result = log;
    else
        span_log_free(log);
    return error;
}

void span_log_free(struct span_log *log)
{
    struct span_stack *stack, *next;

    stop_thread(log);
    if (verify_file(log, 0) == 0)
        dat_writer_release(&log->writer);
    if (log->read_fd >= 0)
        close(log->read_fd);
    for (stack = log->stacks; stack != NULL; stack = next) {
        next = stack->next;
        free(stack->spans);
        free(stack);
    }
    free(log->suspended.spans);
    free(log->path);
    waiter_release(&log->stop);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

int span_log_fd(const struct span_log *log)
{
    return log->read_fd;
}

struct span_stack *span_stack_new(struct span_log *log)
{
    struct span_stack *stack = calloc(1, sizeof *stack);

    if (stack == NULL)
        return NULL;
    pthread_mutex_lock(&log->lock);
    stack->next = log->stacks;
    log->stacks = stack;
    pthread_mutex_unlock(&log->lock);
    return stack;
}

void span_stack_clear(struct span_log *log, struct span_stack *stack)
{
    pthread_mutex_lock(&log->lock);
    stack->depth = 0;
    pthread_mutex_unlock(&log->lock);
}

int span_begin(struct span_log *log, struct span_stack *stack, const void *key, const char *name,
               int64_t bytes)
{
    struct span span = {key, name, {bytes, clock_wall_ns()}, 0, 0};
    int error;

    pthread_mutex_lock(&log->lock);
    span.level = stack->depth;
    error = push(stack, &span);
    /* Also after a fork, before which the thread was ended. */
    if (!log->thread_runs && log->forks == 0)
        start_thread(log);
    pthread_mutex_unlock(&log->lock);
    return error;
}

int span_end(struct span_log *log, struct span_stack *stack, const void *key, int64_t bytes)
{
    struct dat_point end = {bytes, clock_wall_ns()};
    struct span span;
    int error = -ENOENT;

    pthread_mutex_lock(&log->lock);
    if (take_anywhere(log, stack, key, &span)) {
        error = verify_file(log, end.moment_ns);
        if (error == 0)
            error = dat_writer_func(&log->writer, span.name, span.begin, end, span.level);
    }
    pthread_mutex_unlock(&log->lock);
    return error;
}

void span_suspend(struct span_log *log, struct span_stack *stack, const void *key)
{
    struct span span;

    pthread_mutex_lock(&log->lock);
    if (take(stack, key, &span))
        push(&log->suspended, &span);
    pthread_mutex_unlock(&log->lock);
}

int span_resume(struct span_log *log, struct span_stack *stack, const void *key)
{
    struct span span;
    int error = -ENOENT;

    pthread_mutex_lock(&log->lock);
    if (take(&log->suspended, key, &span))
        error = push(stack, &span);
    pthread_mutex_unlock(&log->lock);
    return error;
}

void span_log_before_fork(struct span_log *log)
{
    pthread_mutex_lock(&log->lock);
    log->forks++;
    pthread_mutex_unlock(&log->lock);
    stop_thread(log);
    pthread_mutex_lock(&log->lock);
    announce_all(log, INT64_MAX);
    pthread_mutex_unlock(&log->lock);
}

void span_log_after_fork(struct span_log *log, int in_child)
{
    if (in_child) {
        pthread_mutex_init(&log->lock, NULL);
        for (struct span_stack *stack = log->stacks; stack != NULL; stack = stack->next)
            stack->depth = 0;
        log->suspended.depth = 0;
        (void)waiter_init(&log->stop);
        log->forks = 0;
        return;
    }
    pthread_mutex_lock(&log->lock);
    log->forks--;
    pthread_mutex_unlock(&log->lock);
}
