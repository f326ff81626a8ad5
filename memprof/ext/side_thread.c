#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "memprof/ext/side_thread.h"

#include <unistd.h>

#include "memprof/ext/base/module_state.h"
#include "memprof/machine/quiet_thread.h"

int side_thread_init(struct side_thread *side, void *(*run)(void *), void *context,
                     size_t stack_size)
{
    *side = (struct side_thread){
        .run = run, .context = context, .stack_size = stack_size, .pid = getpid()};
    pthread_mutex_init(&side->ending, NULL); /* never fails in Linux and macOS */
    return waiter_init(&side->stop);
}

void side_thread_release(struct side_thread *side)
{
    waiter_release(&side->stop);
    pthread_mutex_destroy(&side->ending);
}

void side_thread_start(struct side_thread *side)
{
    waiter_clear(&side->stop);
    side->is_running =
        quiet_thread_start_sized(&side->thread, side->run, side->context, side->stack_size) == 0;
}

void side_thread_stop(struct side_thread *side)
{
    PyThreadState *saved;

    side->n_stops++;
    if (side->pid != getpid()) /* beyond a fork that told nobody */
        return;
    saved = PyEval_SaveThread();
    pthread_mutex_lock(&side->ending);
    if (side->is_running) {
        waiter_wake(&side->stop);
        pthread_join(side->thread, NULL);
        side->is_running = false;
    }
    pthread_mutex_unlock(&side->ending);
    PyEval_RestoreThread(saved);
}

void side_thread_resume(struct side_thread *side)
{
    if (--side->n_stops == 0)
        side_thread_start(side);
}

/* Nor are the threads there that held or waited for anything. */
int side_thread_begin_anew(struct side_thread *side)
{
    return side_thread_init(side, side->run, side->context, side->stack_size);
}

bool side_thread_sleep(struct side_thread *side, int64_t until_ns)
{
    return waiter_sleep_until_ns(&side->stop, until_ns) || Py_IsFinalizing();
}
