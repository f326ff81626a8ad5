#include "memprof/ext/side_thread.h"

#include <unistd.h>

#include "memprof/ext/base/module_state.h"
#include "memprof/machine/quiet_thread.h"

#define CAPSULE "memory_profiler.side_thread"

int side_thread_init(struct side_thread *side, const struct side_thread_kind *kind, void *context)
{
    *side = (struct side_thread){.kind = kind, .context = context, .pid = getpid()};
    pthread_mutex_init(&side->ending, NULL); /* never fails in Linux and macOS */
    return waiter_init(&side->stop);
}

void side_thread_release(struct side_thread *side)
{
    waiter_release(&side->stop);
    pthread_mutex_destroy(&side->ending);
}

/* In the last of all stops: nobody waits for an end. */
static void begin(struct side_thread *side)
{
    waiter_clear(&side->stop);
    side->is_running = quiet_thread_start_sized(&side->thread, side->kind->run, side->context,
                                                side->kind->stack_size) == 0;
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

bool side_thread_sleep(struct side_thread *side, int64_t until_ns)
{
    return waiter_sleep_until_ns(&side->stop, until_ns) || Py_IsFinalizing();
}

/* ---- for Python ---- */

struct side_thread *side_thread_of(PyObject *object)
{
    return PyCapsule_GetPointer(object, CAPSULE);
}

static void capsule_free(PyObject *capsule)
{
    struct side_thread *side = side_thread_of(capsule);

    side_thread_stop(side);
    side->kind->release(side->context);
}

PyObject *side_thread_start(struct side_thread *side)
{
    PyObject *capsule = PyCapsule_New(side, CAPSULE, capsule_free);

    if (capsule == NULL)
        side->kind->release(side->context);
    else
        begin(side);
    return capsule;
}

static PyObject *side_pause(PyObject *module, PyObject *object)
{
    struct side_thread *side = side_thread_of(object);

    (void)module;
    if (side == NULL)
        return NULL;
    side_thread_stop(side);
    Py_RETURN_NONE;
}

/* In a forked child the thread was never started, nor are those there that held or waited for
 * anything. */
static void begin_anew(struct side_thread *side)
{
    if (side->kind->begin_anew != NULL)
        side->kind->begin_anew(side->context);
    if (side_thread_init(side, side->kind, side->context) == 0)
        begin(side);
}

PyDoc_STRVAR(side_resume_doc, "side_resume(thread, in_child, /)\n\n"
                              "Go on after the last of all pauses; in a forked child, for itself.");

static PyObject *side_resume(PyObject *module, PyObject *args)
{
    struct side_thread *side;
    PyObject *object;
    int in_child;

    (void)module;
    if (!PyArg_ParseTuple(args, "Op:side_resume", &object, &in_child))
        return NULL;
    side = side_thread_of(object);
    if (side == NULL)
        return NULL;
    if (in_child)
        begin_anew(side);
    else if (--side->n_stops == 0)
        begin(side);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"side_pause", side_pause, METH_O,
     "side_pause(thread, /)\n\nEnd the thread, for a fork or for good."},
    {"side_resume", side_resume, METH_VARARGS, side_resume_doc},
    {NULL, NULL, 0, NULL},
};

int side_thread_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
