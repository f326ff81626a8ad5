#include "memprof/ext/type_watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/ext/base/module_state.h"
#include "memprof/ext/heap/object_walk.h"
#include "memprof/ext/side_thread.h"
#include "memprof/ext/type_names.h"
#include "memprof/ext/walk_error.h"
#include "memprof/machine/clock.h"
#include "memprof/machine/mem_reader.h"
#include "memprof/machine/quiet_thread.h"
#include "memprof/profile/dat_writer.h"

/* Types that a census tells. */
#define TOLD 40

/* Bytes of a name; of longer ones there is the begin. */
#define NAME_LIMIT ((Py_ssize_t)200)
#define MORE "\xe2\x80\xa6"

/* A census takes one part in so many of the time. */
#define REST 100

/* After this it is tried again where a collection was running. */
#define AGAIN_NS INT64_C(50000000)

struct type_watch {
    char *path;
    int64_t every_ns, due_ns;
    int64_t ended_ns, walk_ns; /* the last census: when, and how long it took */
    int64_t walk_bytes;        /* what the process held then */
    bool is_pymalloc;
    struct side_thread side;
};

/* ---- a census ---- */

static int by_bytes(const void *left, const void *right)
{
    const struct type_row *a = left, *b = right;

    return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

/* Ends a name that is too long, between two of its letters. Nobody else has the bytes. */
static void cut(char *name)
{
    char *end = name + NAME_LIMIT - strlen(MORE);

    while (((unsigned char)*end & 0xC0) == 0x80)
        end--;
    memcpy(end, MORE, sizeof MORE);
}

/* A name in bytes; to C it ends at its first NUL. NULL without memory. */
static PyObject *bytes_of_name(PyTypeObject *type)
{
    PyObject *name = type_name(type), *bytes;

    bytes = name == NULL ? NULL : PyUnicode_AsEncodedString(name, "utf-8", "backslashreplace");
    Py_XDECREF(name);
    if (bytes == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (PyBytes_GET_SIZE(bytes) > NAME_LIMIT)
        cut(PyBytes_AS_STRING(bytes));
    return bytes;
}

/* The place of a name among `count` types; `count` where it is new. */
static size_t place_of(const struct dat_type *types, size_t count, const char *name)
{
    size_t at = 0;

    while (at < count && strcmp(types[at].name, name) != 0)
        at++;
    return at;
}

/* Classes of one name are one type. Names are borrowed from `names`. Returns how many there are. */
static size_t types_of(const struct type_row *rows, size_t n, struct dat_type *types,
                       PyObject **names)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        const char *name;
        size_t at;

        names[i] = bytes_of_name((PyTypeObject *)rows[i].type);
        name = names[i] == NULL || *PyBytes_AS_STRING(names[i]) == '\0'
                   ? "?"
                   : PyBytes_AS_STRING(names[i]);
        at = place_of(types, count, name);
        if (at == count)
            types[count++] = (struct dat_type){name, 0, 0};
        types[at].objects += rows[i].n_objects;
        types[at].bytes += rows[i].bytes;
    }
    return count;
}

/* The profile is opened each time: the program may close what it finds open. */
static void append(const char *path, const struct dat_type *types, size_t count, int64_t bytes)
{
    struct dat_writer writer;

    /* One that was removed is not made anew. */
    if (access(path, F_OK) != 0 || dat_writer_open(&writer, path, DAT_APPEND, 4) != 0)
        return;
    (void)dat_writer_types(&writer, getpid(), types, count, bytes, clock_wall_ns());
    dat_writer_release(&writer);
}

/* The table is of no use as a table afterwards. */
static void tell(struct type_table *table, const char *path, int64_t bytes)
{
    struct dat_type types[TOLD];
    PyObject *names[TOLD];
    size_t n = table->n < TOLD ? table->n : TOLD, count;
    PyThreadState *saved;

    qsort(table->rows, table->n, sizeof *table->rows, by_bytes);
    /* From here on something may be allocated, so a collection may free a class. */
    for (size_t i = 0; i < n; i++)
        Py_INCREF((PyObject *)table->rows[i].type);
    count = types_of(table->rows, n, types, names);
    saved = PyEval_SaveThread(); /* a slow disk holds up nobody else */
    append(path, types, count, bytes);
    PyEval_RestoreThread(saved);
    for (size_t i = 0; i < n; i++) {
        Py_XDECREF(names[i]);
        Py_DECREF((PyObject *)table->rows[i].type);
    }
}

static int walk(const struct type_watch *watch, int64_t bytes)
{
    struct object_walk walk;
    int error = object_walk_init(&walk, false, watch->is_pymalloc);

    if (error != 0)
        return error;
    error = object_walk_run(&walk);
    if (error == 0)
        tell(&walk.types, watch->path, bytes);
    object_walk_release(&walk);
    return error;
}

static int64_t resident(void)
{
    struct mem_reader reader;
    int64_t bytes = 0;

    if (mem_reader_init(&reader, 0, MEM_RSS) != 0)
        return 0;
    if (mem_reader_read(&reader, &bytes) != 0)
        bytes = 0;
    mem_reader_release(&reader);
    return bytes;
}

/* How long a census would take by what the last one took. */
static double expected_ns(const struct type_watch *watch, int64_t bytes)
{
    double grown = watch->walk_bytes > 0 ? (double)bytes / (double)watch->walk_bytes : 1;

    return (double)watch->walk_ns * (grown > 1 ? grown : 1);
}

/* Holding the interpreter's lock; unless it would be too soon. */
static void take_census(struct type_watch *watch)
{
    int64_t begin = clock_monotonic_ns(), bytes = resident(), rest_ns;

    watch->due_ns = watch->ended_ns + (int64_t)(REST * expected_ns(watch, bytes));
    if (begin < watch->due_ns)
        return;
    if (walk(watch, bytes) == -EBUSY) {
        watch->due_ns = begin + AGAIN_NS;
        return;
    }
    watch->ended_ns = clock_monotonic_ns();
    watch->walk_ns = watch->ended_ns - begin;
    watch->walk_bytes = bytes;
    rest_ns = REST * watch->walk_ns;
    watch->due_ns = begin + (watch->every_ns > rest_ns ? watch->every_ns : rest_ns);
}

/* ---- the thread ---- */

static void *run(void *context)
{
    struct type_watch *watch = context;

    while (!side_thread_sleep(&watch->side, watch->due_ns)) {
        PyGILState_STATE held = PyGILState_Ensure();

        if (!side_thread_sleep(&watch->side, 0))
            take_census(watch);
        PyGILState_Release(held);
    }
    return NULL;
}

/* The first census comes when one would be affordable. */
static void begin_anew(void *context)
{
    struct type_watch *watch = context;

    watch->ended_ns = clock_monotonic_ns();
    watch->due_ns = watch->ended_ns + REST * watch->walk_ns;
}

static void release(void *context)
{
    struct type_watch *watch = context;

    side_thread_release(&watch->side);
    free(watch->path);
    free(watch);
}

static const struct side_thread_kind kind = {
    .run = run, .begin_anew = begin_anew, .release = release, .stack_size = QUIET_STACK_SIZE};

/* ---- for Python ---- */

static struct type_watch *watch_new(const char *path, double seconds, bool is_pymalloc)
{
    struct type_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return NULL;
    watch->path = strdup(path);
    if (watch->path == NULL || side_thread_init(&watch->side, &kind, watch) != 0) {
        free(watch->path);
        free(watch);
        return NULL;
    }
    watch->every_ns = (int64_t)(seconds * 1e9);
    watch->is_pymalloc = is_pymalloc;
    return watch;
}

PyDoc_STRVAR(types_start_doc,
             "types_start(path, seconds, is_pymalloc, /) -> object\n\n"
             "Append the hungriest types to a profile now, and every so often from now on.\n"
             "RuntimeError on free-threaded Python, and where this is not the main interpreter.");

static PyObject *types_start(PyObject *module, PyObject *args)
{
    struct type_watch *watch;
    PyObject *path;
    double seconds;
    int is_pymalloc;

    (void)module;
    if (walk_is_refused("types are told of the main interpreter only") ||
        !PyArg_ParseTuple(args, "O&dp:types_start", PyUnicode_FSConverter, &path, &seconds,
                          &is_pymalloc))
        return NULL;
    watch = seconds > 0 && seconds < 1e9
                ? watch_new(PyBytes_AS_STRING(path), seconds, is_pymalloc != 0)
                : NULL;
    Py_DECREF(path);
    if (watch == NULL)
        return PyErr_Format(PyExc_ValueError, "types_start() needs a positive number of seconds");
    take_census(watch);
    return side_thread_start(&watch->side);
}

static PyObject *types_stop(PyObject *module, PyObject *object)
{
    struct side_thread *side = side_thread_of(object);

    (void)module;
    if (side == NULL)
        return NULL;
    side_thread_stop(side);
    take_census(side->context);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"types_start", types_start, METH_VARARGS, types_start_doc},
    {"types_stop", types_stop, METH_O, "types_stop(watch, /)\n\nA last census, if one is due."},
    {NULL, NULL, 0, NULL},
};

int type_watch_add(PyObject *module)
{
    return PyModule_AddFunctions(module, methods);
}
