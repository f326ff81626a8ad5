/*
 * The running thread's PyThreadState at the price of a load. PyThreadState_GetUnchecked() is a call
 * through two indirections where Python is a shared library: a fifth of what a line event costs.
 *
 * The interpreter keeps the pointer in a thread-local variable, which lies at the same distance
 * from the thread pointer in every thread where its library was there from the start. The distance
 * is measured once and checked in each new thread; where it does not hold, the function is called.
 */
#ifndef MEMPROF_EXT_THREAD_SLOT_H
#define MEMPROF_EXT_THREAD_SLOT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include <stddef.h>

#if PY_VERSION_HEX < 0x030D0000
#define PyThreadState_GetUnchecked _PyThreadState_UncheckedGet
#endif

#if defined(__ELF__) && defined(__x86_64__) && defined(__has_builtin)
#if __has_builtin(__builtin_thread_pointer)
#define THREAD_SLOT 1
#endif
#endif

/*
 * A variable of ours for each thread, likewise. musl has no room for such in libraries that are
 * loaded late.
 */
#ifdef __GLIBC__
#define THREAD_VARIABLE _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define THREAD_VARIABLE _Thread_local
#endif

struct thread_slot {
    ptrdiff_t distance; /* from the thread pointer; 0: not known */
};

/* Measures it in the running thread. */
void thread_slot_find(struct thread_slot *slot);

/* To be called in each thread before its first event is counted: forgets a distance that fails. */
void thread_slot_check(struct thread_slot *slot);

static inline bool thread_slot_is_known(const struct thread_slot *slot)
{
    return slot->distance != 0;
}

static inline PyThreadState *thread_slot_get(const struct thread_slot *slot)
{
#ifdef THREAD_SLOT
    if (__builtin_expect(thread_slot_is_known(slot), 1))
        return *(PyThreadState **)((char *)__builtin_thread_pointer() + slot->distance);
#else
    (void)slot;
#endif
    return PyThreadState_GetUnchecked();
}

#endif
