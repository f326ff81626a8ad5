/*
 * A thread's frames of Python, read from the interpreter's own structures: what a hook of malloc()
 * may do, which must not allocate, nor call anything that might.
 *
 * A frame is read by the thread that runs it, with the interpreter's lock or without.
 */
#ifndef MEMPROF_EXT_FRAME_WALK_H
#define MEMPROF_EXT_FRAME_WALK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x030B0000
#include <frameobject.h>
#elif PY_VERSION_HEX < 0x030C0000
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif

/* Bytes of one instruction. */
#define FRAME_CODE_UNIT 2

#if PY_VERSION_HEX < 0x030B0000

typedef PyFrameObject frame_walk;

static inline const frame_walk *frame_walk_top(const PyThreadState *thread)
{
    return thread->frame;
}

static inline const frame_walk *frame_walk_caller(const frame_walk *frame)
{
    return frame->f_back;
}

static inline PyCodeObject *frame_walk_code(const frame_walk *frame)
{
    return frame->f_code;
}

/* What stands for code and instruction together. */
static inline uintptr_t frame_walk_instruction(const frame_walk *frame)
{
    return ((uintptr_t)frame->f_code << 20) + (uintptr_t)(uint32_t)frame->f_lasti;
}

/* Byte offset of the instruction that runs; below 0 before the first. */
static inline int frame_walk_offset(const frame_walk *frame, const PyCodeObject *code)
{
    (void)code;
    return frame->f_lasti * FRAME_CODE_UNIT;
}

#else

#if PY_VERSION_HEX < 0x030C0000
typedef struct _PyInterpreterFrame frame_walk;
#else
/* The beginning of _PyInterpreterFrame: 3.12 to 3.14 differ in names and in tags. */
typedef struct frame_walk {
    uintptr_t f_code;
    const struct frame_walk *previous;
    uintptr_t function, globals, builtins, locals, frame_object;
    const char *prev_instr;
#if PY_VERSION_HEX < 0x030E0000
    int stacktop;
    uint16_t return_offset;
    char owner;
#else
    const uintptr_t *stack_pointer;
    uint16_t return_offset;
    char owner;
    uint8_t visited;
#endif
    uintptr_t localsplus[];
} frame_walk;
#endif

static inline const frame_walk *frame_walk_top(const PyThreadState *thread)
{
#if PY_VERSION_HEX < 0x030D0000
    return thread->cframe == NULL ? NULL : (const frame_walk *)thread->cframe->current_frame;
#else
    return (const frame_walk *)thread->current_frame;
#endif
}

static inline const frame_walk *frame_walk_caller(const frame_walk *frame)
{
    return frame->previous;
}

/* NULL: a frame of the interpreter itself, where C calls Python. */
static inline PyCodeObject *frame_walk_code(const frame_walk *frame)
{
#if PY_VERSION_HEX < 0x030C0000
    return frame->f_code;
#elif PY_VERSION_HEX < 0x030D0000
    return frame->owner == 3 ? NULL : (PyCodeObject *)frame->f_code; /* FRAME_OWNED_BY_CSTACK */
#else
    PyObject *code = (PyObject *)(frame->f_code & ~(uintptr_t)7); /* 3.14: a tagged reference */

    return code != NULL && Py_TYPE(code) == &PyCode_Type ? (PyCodeObject *)code : NULL;
#endif
}

static inline uintptr_t frame_walk_instruction(const frame_walk *frame)
{
    return (uintptr_t)frame->prev_instr;
}

static inline int frame_walk_offset(const frame_walk *frame, const PyCodeObject *code)
{
    return (int)((const char *)frame->prev_instr - (const char *)code->co_code_adaptive);
}

#endif

#endif
