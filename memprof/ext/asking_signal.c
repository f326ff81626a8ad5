#include "memprof/ext/asking_signal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/ext/base/py_error.h"
#include "memprof/ext/base/untraced_call.h"
#include "memprof/lines/line_box.h"
#include "memprof/machine/side_process.h"
#include "memprof/machine/signal_timer.h"

extern char **environ;

/* Longer than servers of the standard library look away (0.5 s), and a table is there within 1 s.
 */
#define PATIENCE_NS 600000000

/* A reader of the tables who takes no more must not keep a process that was told to end. */
#define MOST_TO_END_NS 15000000000

#define MOST_BESIDE_NS 10000000000 /* that the side process may take */

enum asking {
    ASKING_NOBODY,
    ASKING_INTERPRETER, /* the call has not begun */
    ASKING_ANSWERED,    /* it runs */
    ASKING_BESIDE,      /* the side process answers, or did, while the call is still waited for */
};

struct asking_signal {
    int number;
    bool ends;               /* it ends the process when it has been answered */
    struct module_state *of; /* counted */
    PyObject *callback;
    struct sigaction before;
    struct signal_timer timer;
    struct side_process side; /* argv[0] NULL: there is none */
    char **words;             /* owned, as output: what `side` borrows */
    char *output;
    char fd_text[32];
    pid_t pid; /* not that of forked children */
    pid_t keeper;
    _Atomic int asking;       /* enum asking */
    _Atomic bool is_queued;   /* in the interpreter's queue */
    _Atomic bool comes_again; /* for who asked since the answer began */
    _Atomic bool has_come;    /* since the tables are held */
};

/* Not in anybody's state, which handlers cannot know. Only added to, by one interpreter. */
static struct asking_signal *volatile known[2];

/* The program has ended and its tables are printed: who asks now gets them in any case. */
static volatile sig_atomic_t is_held;

static bool moves(struct asking_signal *one, int from, int to)
{
    return atomic_compare_exchange_strong(&one->asking, &from, to);
}

static struct asking_signal *find(int number)
{
    for (size_t i = 0; i < 2; i++)
        if (known[i] != NULL && known[i]->number == number)
            return known[i];
    return NULL;
}

/* ---- the end that the signal would have had without us ---- */

static void be_as_before(const struct asking_signal *one)
{
    sigset_t itself;

    sigaction(one->number, &one->before, NULL);
    sigemptyset(&itself);
    sigaddset(&itself, one->number);
    kill(getpid(), one->number);
    pthread_sigmask(SIG_UNBLOCK, &itself, NULL);
}

static void end(const struct asking_signal *one)
{
    be_as_before(one);
    /* Another thread may be the one that gets it: this one runs nothing of the program meanwhile.
     */
    poll(NULL, 0, 1000);
}

static void say(const char *line)
{
    (void)!write(2, line, strlen(line));
}

/* ---- where the interpreter does not come to it ---- */

static int write_box(const void *context, int fd)
{
    const struct module_state *state = context;
    const struct line_box *box = state->engine.box;

    return box == NULL ? -ENOENT : black_box_write(&box->box, fd);
}

static void answer_beside(struct asking_signal *one)
{
    one->keeper = one->words == NULL ? -ENOENT : side_process_start(&one->side);
    if (!one->ends && one->keeper > 0)
        return;
    if (one->keeper <= 0 || !side_process_wait(one->keeper))
        say("memory_profiler: the program is in C code, from which its tables cannot be printed\n");
    one->keeper = 0;
    if (one->ends)
        end(one);
}

static void overdue(struct asking_signal *one)
{
    if (moves(one, ASKING_INTERPRETER, ASKING_BESIDE)) {
        one->comes_again = false;
        answer_beside(one);
    } else if (one->ends && (is_held || one->asking == ASKING_ANSWERED)) {
        say("memory_profiler: the tables could not be printed within 15 s of the signal\n");
        end(one);
    }
}

/* ---- where it does ---- */

/* The keeper of an answer from beside is nobody else's to wait for. */
static bool reap(struct asking_signal *one)
{
    if (one->keeper > 0 && !side_process_has_ended(one->keeper))
        return false;
    one->keeper = 0;
    return true;
}

static void call_back(struct asking_signal *one)
{
    PyObject *callback = Py_XNewRef(one->callback), *result;
    struct py_error pending;

    if (callback == NULL) /* all is printed: see let_go_of_signals() */
        return;
    py_error_fetch(&pending);
    result = untraced_call(callback, NULL, NULL);
    if (result == NULL)
        py_error_report("the tables could not be printed");
    Py_XDECREF(result);
    Py_DECREF(callback);
    py_error_restore(&pending);
}

static int answer(void *context);

/*
 * The timer before the call: the interpreter takes a lock there, for some nanoseconds, and one that
 * the signal has interrupted in just these would be waited for in vain. CPython's own handler takes
 * that risk; here the timer ends it, since the signal may interrupt its handler.
 */
static void ask_interpreter(struct asking_signal *one)
{
    signal_timer_set(&one->timer, PATIENCE_NS);
    if (!atomic_exchange(&one->is_queued, true) && Py_AddPendingCall(answer, one) != 0)
        one->is_queued = false;
}

/* The answer is given: the next one for who asked meanwhile. */
static void next(struct asking_signal *one)
{
    one->asking = ASKING_NOBODY;
    if (atomic_exchange(&one->comes_again, false) && !is_held &&
        moves(one, ASKING_NOBODY, ASKING_INTERPRETER))
        ask_interpreter(one);
}

/* In the main thread, between two instructions. */
static int answer(void *context)
{
    struct asking_signal *one = context;

    /* A child that was forked meanwhile has the queue of its parent. */
    if (one->pid != getpid())
        return 0;
    one->is_queued = false;
    /* Up to 3.11 the queue may be that of a subinterpreter, which has other modules: the timer will
     * do. */
    if (PyInterpreterState_Get() != PyInterpreterState_Main())
        return 0;
    if (one->asking == ASKING_BESIDE && reap(one))
        next(one);
    if (!moves(one, ASKING_INTERPRETER, ASKING_ANSWERED))
        return 0;
    one->comes_again = false;
    signal_timer_set(&one->timer, one->ends ? MOST_TO_END_NS : 0);
    call_back(one);
    if (one->ends)
        end(one);
    next(one);
    return 0;
}

/* ---- the handler ---- */

static void asked(struct asking_signal *one)
{
    one->has_come = true;
    one->comes_again = true;
    if (is_held) {
        if (one->ends)
            signal_timer_set(&one->timer, MOST_TO_END_NS);
        return;
    }
    if (one->asking == ASKING_BESIDE && !one->ends && reap(one))
        one->asking = ASKING_NOBODY;
    if (moves(one, ASKING_NOBODY, ASKING_INTERPRETER))
        ask_interpreter(one);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int error = errno;
    struct asking_signal *one = find(number);

    (void)context;
    if (one != NULL && one->pid != getpid())
        be_as_before(one);
    else if (one != NULL && signal_timer_sent(&one->timer, info))
        overdue(one);
    else if (one != NULL)
        asked(one);
    errno = error;
}

static bool is_ours(const struct asking_signal *one)
{
    struct sigaction now;

    return sigaction(one->number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == on_signal;
}

static void forget_in_child(void)
{
    for (size_t i = 0; i < 2; i++)
        if (known[i] != NULL && is_ours(known[i]))
            sigaction(known[i]->number, &known[i]->before, NULL);
}

/* ---- life ---- */

static pthread_once_t forks_are_seen = PTHREAD_ONCE_INIT;

static void see_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_in_child);
}

static void asking_signal_free(struct asking_signal *one)
{
    for (size_t i = 0; one->words != NULL && one->words[i] != NULL; i++)
        if (one->words[i] != one->fd_text)
            free(one->words[i]);
    free(one->words);
    free(one->output);
    for (size_t i = 0; one->side.envp != NULL && one->side.envp[i] != NULL; i++)
        free(one->side.envp[i]);
    free((void *)one->side.envp);
    Py_XDECREF(one->callback);
    free(one);
}

/* The words of the command, and behind them one that becomes the file to be read. */
static int copy_words(struct asking_signal *one, PyObject *words)
{
    Py_ssize_t n = PyList_GET_SIZE(words);

    one->words = n == 0 ? NULL : calloc((size_t)n + 2, sizeof *one->words);
    for (Py_ssize_t i = 0; i < n && one->words != NULL; i++) {
        const char *word = PyBytes_AsString(PyList_GET_ITEM(words, i));

        one->words[i] = word == NULL ? NULL : strdup(word);
        if (one->words[i] == NULL)
            return -1;
    }
    if (one->words != NULL)
        one->words[n] = one->fd_text;
    return n == 0 || one->words != NULL ? 0 : -1;
}

/* Strings of the environment may be changed while a handler runs; copies may not. */
static char **copy_environment(void)
{
    size_t n = 0;
    char **copy;

    while (environ != NULL && environ[n] != NULL)
        n++;
    copy = calloc(n + 1, sizeof *copy);
    for (size_t i = 0; i < n && copy != NULL; i++)
        copy[i] = strdup(environ[i]);
    return copy;
}

static const char folder_of_descriptors[] = "/dev/fd/";

static int prepare_side(struct asking_signal *one)
{
    memcpy(one->fd_text, folder_of_descriptors, sizeof folder_of_descriptors);
    one->side = (struct side_process){
        .argv = one->words,
        .envp = copy_environment(),
        .fd_text = one->fd_text + sizeof folder_of_descriptors - 1,
        .output = one->output,
        .number = one->number,
        .most_ns = MOST_BESIDE_NS,
        .write = write_box,
        .context = one->of,
    };
    return one->side.envp == NULL ? -1 : 0;
}

static int install(struct asking_signal *one)
{
    struct sigaction ours = {
        .sa_sigaction = on_signal,
        .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK | SA_NODEFER,
    };
    size_t place = known[0] == NULL ? 0 : 1;
    int error = signal_timer_init(&one->timer, one->number);

    if (error != 0)
        return error;
    sigemptyset(&ours.sa_mask);
    pthread_once(&forks_are_seen, see_forks);
    one->pid = getpid();
    known[place] = one;
    if (sigaction(one->number, &ours, &one->before) == 0)
        return 0;
    error = -errno;
    known[place] = NULL;
    signal_timer_release(&one->timer);
    return error;
}

static int prepare(struct asking_signal *one, PyObject *module, PyObject *words, PyObject *output)
{
    const char *path = output == Py_None ? NULL : PyBytes_AsString(output);

    one->of = module_state_of(module);
    if (path != NULL)
        one->output = strdup(path);
    if (output != Py_None && one->output == NULL)
        return -1;
    return copy_words(one, words) != 0 || prepare_side(one) != 0 ? -1 : 0;
}

/* Whether the signal ends the process as it is. The first process of a container is not ended by
 * signals that it does not handle. */
static bool would_end(int number)
{
    struct sigaction now;

    return getpid() != 1 && sigaction(number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
           now.sa_handler == SIG_DFL;
}

PyDoc_STRVAR(
    ask_by_signal_doc,
    "ask_by_signal(number, ends, callback, command, output, /) -> bool\n\n"
    "Call callback() when the signal comes; with ends it ends the process then, and False\n"
    "is returned where it would not end it now. Where the interpreter does not come to\n"
    "it the command is run, with one more word: the name of a black box.");

static PyObject *ask_by_signal(PyObject *module, PyObject *args)
{
    struct asking_signal *one;
    PyObject *callback, *words, *output;
    int number, ends, error;

    if (!PyArg_ParseTuple(args, "ipOO!O:ask_by_signal", &number, &ends, &callback, &PyList_Type,
                          &words, &output))
        return NULL;
    if ((ends && !would_end(number)) || known[1] != NULL)
        return Py_NewRef(Py_False);
    one = calloc(1, sizeof *one);
    if (one == NULL)
        return PyErr_NoMemory();
    one->number = number;
    one->ends = ends;
    one->callback = Py_NewRef(callback);
    if (prepare(one, module, words, output) != 0) {
        asking_signal_free(one);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    error = install(one);
    if (error != 0) {
        asking_signal_free(one);
        errno = -error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    (void)module_state_keep(one->of);
    return Py_NewRef(Py_True);
}

PyDoc_STRVAR(hold_signals_doc, "hold_signals()\n\n"
                               "The tables are printed now, for the last time: who asks by a\n"
                               "signal waits for that.");

static PyObject *hold_signals(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    is_held = 1;
    for (size_t i = 0; i < 2; i++) {
        struct asking_signal *one = known[i];

        if (one == NULL || one->pid != getpid())
            continue;
        if (moves(one, ASKING_INTERPRETER, ASKING_ANSWERED))
            signal_timer_set(&one->timer, one->ends ? MOST_TO_END_NS : 0);
        /* A handler in another thread has them printed already, and ends the process. */
        if (one->asking == ASKING_BESIDE && one->ends)
            poll(NULL, 0, (int)(2 * MOST_BESIDE_NS / 1000000));
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(let_go_of_signals_doc, "let_go_of_signals()\n\n"
                                    "They are printed: a signal that ends the process does so.");

static PyObject *let_go_of_signals(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    for (size_t i = 0; i < 2; i++) {
        struct asking_signal *one = known[i];

        if (one == NULL || one->pid != getpid())
            continue;
        /* It leads to the program's own streams, which are to be closed when they are let go of. */
        Py_CLEAR(one->callback);
        if (!one->ends)
            continue;
        if (is_ours(one))
            sigaction(one->number, &one->before, NULL);
        if (one->has_come)
            end(one);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"ask_by_signal", ask_by_signal, METH_VARARGS, ask_by_signal_doc},
    {"hold_signals", hold_signals, METH_NOARGS, hold_signals_doc},
    {"let_go_of_signals", let_go_of_signals, METH_NOARGS, let_go_of_signals_doc},
    {NULL, NULL, 0, NULL},
};

int asking_signal_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
