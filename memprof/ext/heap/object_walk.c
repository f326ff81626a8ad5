#include "memprof/ext/heap/object_walk.h"

#include <errno.h>
#include <string.h>

#include "memprof/ext/heap/heap_roots.h"
#include "memprof/ext/heap/object_children.h"
#include "memprof/ext/heap/object_shape.h"

#define PYMALLOC_MOST 512
#define CACHE_LINE 64
#define KEYS_LINES 3 /* of a dict with five entries */

int object_walk_init(struct object_walk *walk, bool as_getsizeof, bool is_pymalloc)
{
    int error;

    memset(walk, 0, sizeof *walk);
    walk->as_getsizeof = as_getsizeof;
    walk->sizes.small = is_pymalloc ? PYMALLOC_MOST : 0;
    walk->sizes.python = image_range_of(Py_None);
    walk->sizeof_name = PyUnicode_InternFromString("__sizeof__");
    if (walk->sizeof_name == NULL) {
        PyErr_Clear();
        return -ENOMEM;
    }
    error = address_bits_init(&walk->seen);
    if (error == 0)
        error = address_bits_init(&walk->odd);
    if (error == 0)
        error = type_table_init(&walk->types);
    if (error != 0)
        object_walk_release(walk);
    return error;
}

void object_walk_release(struct object_walk *walk)
{
    walk_stack_release(&walk->todo);
    if (walk->types.rows != NULL)
        type_table_release(&walk->types);
    if (walk->seen.regions != NULL)
        address_bits_release(&walk->seen);
    if (walk->odd.regions != NULL)
        address_bits_release(&walk->odd);
    Py_CLEAR(walk->sizeof_name);
}

/* Whether the object was not seen before; it is afterwards. */
static inline bool is_new(struct object_walk *walk, PyObject *object)
{
    if (!address_bits_add(&walk->seen, object))
        return false;
    if (__builtin_expect((uintptr_t)object & 8, 0))
        address_bits_add(&walk->odd, object);
    return true;
}

/* The row of a type that is met for the first time; the type is an object, too. */
static struct type_row *new_row(struct object_walk *walk, PyTypeObject *type)
{
    struct type_row *row = type_table_add(&walk->types, type);

    if (row == NULL) {
        walk->has_failed = true;
        return NULL;
    }
    object_shape_find(&row->shape, type, walk->sizeof_name, walk->as_getsizeof);
    if (is_new(walk, (PyObject *)type))
        walk_stack_push(&walk->todo, type);
    return row;
}

static inline struct type_row *row_of(struct object_walk *walk, PyObject *object)
{
    struct type_row *row = type_table_find(&walk->types, Py_TYPE(object));

    return __builtin_expect(row != NULL, 1) ? row : new_row(walk, Py_TYPE(object));
}

static inline void count(struct object_walk *walk, struct type_row *row, PyObject *object)
{
    const char *block = (char *)object - row->shape.header_bytes;
    size_t bytes;

    if (walk->but_not != NULL && address_bits_has(walk->but_not, block))
        return;
    if (walk->noted != NULL)
        address_bits_add(walk->noted, block);
    bytes = object_size(&walk->sizes, object, &row->shape);
    row->n_objects++;
    row->bytes += bytes;
    if (walk->told != NULL)
        walk->told(walk->context, Py_TYPE(object), block, bytes);
}

/* A marked object, when it has come from memory. */
static inline void take(struct object_walk *walk, PyObject *object)
{
    struct type_row *row = row_of(walk, object);

    if (row == NULL)
        return;
    if (object_has_children(&row->shape))
        walk_stack_push(&walk->todo, object);
    else
        count(walk, row, object);
}

static int visit(PyObject *object, void *context)
{
    struct object_walk *walk = context;
    PyObject *before;

    if (!is_new(walk, object))
        return 0;
    __builtin_prefetch(object);
    before = walk->ring[walk->at];
    walk->ring[walk->at] = object;
    walk->at = (walk->at + 1) & (WALK_RING - 1);
    if (before != NULL)
        take(walk, before);
    return 0;
}

/* Counts a marked object, and looks at what it refers to. */
static void expand(struct object_walk *walk, PyObject *object)
{
    struct type_row *row = row_of(walk, object);
    struct type_shape shape;

    if (row == NULL)
        return;
    count(walk, row, object);
    shape = row->shape; /* rows move when one is added */
    if (object_has_children(&shape))
        object_children(object, &shape, visit, walk);
}

/* Keys and values of a dict stand in a block of their own: it, too, has to come from memory. */
static void ask_for_keys(const PyObject *object)
{
    const char *keys;

    if (object == NULL || !PyDict_CheckExact(object))
        return;
    keys = (const char *)((const PyDictObject *)object)->ma_keys;
    for (int line = 0; line < KEYS_LINES; line++)
        __builtin_prefetch(keys + line * CACHE_LINE);
}

static void expand_all(struct object_walk *walk)
{
    PyObject *object;

    while ((object = walk_stack_pop(&walk->todo)) != NULL) {
        ask_for_keys(walk_stack_below(&walk->todo, WALK_AHEAD / 2));
        expand(walk, object);
    }
}

/* Until nothing is left in the ring either. */
static void drain(struct object_walk *walk)
{
    bool is_empty;

    do {
        is_empty = true;
        for (int i = 0; i < WALK_RING; i++) {
            PyObject *object = walk->ring[i];

            walk->ring[i] = NULL;
            if (object == NULL)
                continue;
            is_empty = false;
            take(walk, object);
        }
        expand_all(walk);
    } while (!is_empty);
}

static int mark(PyObject *object, void *context)
{
    is_new(context, object);
    return 0;
}

static int expand_tracked(PyObject *object, void *context)
{
    struct object_walk *walk = context;

    expand(walk, object);
    expand_all(walk);
    return 0;
}

int object_walk_run(struct object_walk *walk)
{
    int was_enabled;

#ifdef Py_GIL_DISABLED
    return -ENOSYS;
#endif
    if (heap_roots_collecting())
        return -EBUSY;
    was_enabled = PyGC_Disable();
    heap_roots_tracked(mark, walk);
    heap_roots_tracked(expand_tracked, walk);
    heap_roots_others(visit, walk);
    drain(walk);
    if (was_enabled)
        PyGC_Enable();
    return walk->has_failed || walk->seen.has_failed || walk->odd.has_failed ||
                   walk->todo.has_failed
               ? -ENOMEM
               : 0;
}

void object_walk_hold_types(const struct type_table *types)
{
    for (uint32_t i = 0; i < types->n; i++)
        Py_INCREF((PyObject *)types->rows[i].type);
}

void object_walk_let_go_of_types(const struct type_table *types)
{
    for (uint32_t i = 0; i < types->n; i++)
        Py_DECREF((PyObject *)types->rows[i].type);
}
