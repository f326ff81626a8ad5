/*
 * What of frames frame_walk.h, which hooks of malloc() use, has no need of: their locals, and the
 * generators that have frames. With the interpreter's lock.
 */
#ifndef MEMPROF_EXT_FRAME_PARTS_H
#define MEMPROF_EXT_FRAME_PARTS_H

#include "memprof/ext/heap/frame_walk.h"

#include <stddef.h>

#if PY_VERSION_HEX >= 0x030E0000
#define Py_BUILD_CORE 1
#include <internal/pycore_interpframe_structs.h>
#undef Py_BUILD_CORE
#endif

/* What a word of a frame refers to; 3.14 has tags in it, and numbers that are no objects. Borrowed.
 */
static inline PyObject *frame_word_object(uintptr_t word)
{
#if PY_VERSION_HEX >= 0x030E0000
    return (word & 3) == 3 ? NULL : (PyObject *)(word & ~(uintptr_t)3);
#else
    return (PyObject *)word;
#endif
}

/* Locals, arguments, and variables that it shares with others. */
static inline Py_ssize_t frame_n_locals(const PyCodeObject *code)
{
#if PY_VERSION_HEX < 0x030B0000
    return code->co_nlocals + PyTuple_GET_SIZE(code->co_cellvars) +
           PyTuple_GET_SIZE(code->co_freevars);
#else
    return code->co_nlocalsplus;
#endif
}

/* Borrowed. */
static inline PyObject *frame_local_name(const PyCodeObject *code, Py_ssize_t i)
{
#if PY_VERSION_HEX < 0x030B0000
    PyObject *tables[] = {code->co_varnames, code->co_cellvars, code->co_freevars};

    for (int table = 0; table < 3; i -= PyTuple_GET_SIZE(tables[table]), table++)
        if (i < PyTuple_GET_SIZE(tables[table]))
            return PyTuple_GET_ITEM(tables[table], i);
    return NULL;
#else
    return PyTuple_GET_ITEM(code->co_localsplusnames, i);
#endif
}

static inline PyObject *frame_local(const frame_walk *frame, Py_ssize_t i)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_localsplus[i];
#else
    return frame_word_object((uintptr_t)frame->localsplus[i]);
#endif
}

static inline PyObject *frame_locals_dict(const frame_walk *frame)
{
#if PY_VERSION_HEX >= 0x030C0000
    return frame_word_object(frame->locals);
#else
    return frame->f_locals;
#endif
}

/* The frame that a generator or a coroutine has, or NULL where it is none, or has ended. */
static inline const frame_walk *frame_of_generator(PyObject *object)
{
    if (!PyGen_Check(object) && !PyCoro_CheckExact(object) && !PyAsyncGen_CheckExact(object))
        return NULL;
#if PY_VERSION_HEX < 0x030B0000
    return ((PyGenObject *)object)->gi_frame;
#else
    {
        const frame_walk *frame =
            (const frame_walk *)((const char *)object + offsetof(PyGenObject, gi_iframe));

        return frame_walk_code(frame) == NULL ? NULL : frame;
    }
#endif
}

/* The generator that a frame is part of, or NULL. Borrowed. */
static inline PyObject *generator_of_frame(const frame_walk *frame)
{
#if PY_VERSION_HEX < 0x030B0000
    return frame->f_gen;
#else
    return frame->owner != 1 /* FRAME_OWNED_BY_GENERATOR */
               ? NULL
               : (PyObject *)((char *)(uintptr_t)frame - offsetof(PyGenObject, gi_iframe));
#endif
}

#endif
