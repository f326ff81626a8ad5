/*
 * One walk over every object of the interpreter, those that the collector does not track too:
 * how many there are of each type, and their bytes.
 *
 * With the interpreter's lock from begin to end, and without a collection. No reference is taken,
 * no object made but the numbers that a __sizeof__ returns; memory is past malloc(): a bit for
 * each 16 bytes of address, and a word for each container that is still to be visited.
 *
 * First all that is tracked is marked, then visited in that order (the order of allocation), so
 * that of a tracked child a bit is read and nothing else. Others wait in a ring while they are on
 * their way from memory.
 */
#ifndef MEMPROF_EXT_OBJECT_WALK_H
#define MEMPROF_EXT_OBJECT_WALK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "memprof/ext/heap/object_size.h"
#include "memprof/heap/address_bits.h"
#include "memprof/heap/type_table.h"
#include "memprof/heap/walk_stack.h"

#define WALK_RING 32 /* a power of two */

struct object_walk {
    struct address_bits seen; /* every object's, when the walk has ended */
    struct address_bits odd;  /* of these, what begins in the middle of 16 bytes: none that was
                               * allocated does, but what stands in a library may */
    struct type_table types;
    struct walk_stack todo;
    PyObject *ring[WALK_RING];
    unsigned int at; /* in the ring */
    struct object_sizes sizes;
    PyObject *sizeof_name; /* a reference, from init to release */
    bool as_getsizeof;
    bool has_failed; /* without memory */
    /* Blocks whose objects are not counted, and where those of counted ones are noted; or NULL. */
    const struct address_bits *but_not;
    struct address_bits *noted;
    /* Told of each object that is counted, where it is not NULL. */
    void (*told)(void *context, PyTypeObject *type, const void *block, size_t bytes);
    void *context;
};

/* Bytes as blocks, or as sys.getsizeof() has them. is_pymalloc: small ones are its. 0 or -ENOMEM.
 * Release it with object_walk_release(). */
int object_walk_init(struct object_walk *walk, bool as_getsizeof, bool is_pymalloc);
void object_walk_release(struct object_walk *walk);

/*
 * Walks, once. 0, -EBUSY while a collection runs, -ENOSYS of free-threaded Python, -ENOMEM. The
 * types in the table are alive until something is allocated or freed: a collection may free a class
 * then. Who goes on holds them first.
 */
int object_walk_run(struct object_walk *walk);
void object_walk_hold_types(const struct type_table *types);
void object_walk_let_go_of_types(const struct type_table *types);

/* The object of an address that `seen` gives. */
static inline PyObject *object_walk_object(const struct object_walk *walk, const void *address)
{
    return (PyObject *)((uintptr_t)address + (address_bits_has(&walk->odd, address) ? 8 : 0));
}

#endif
