/*
 * Which of the objects' blocks that were there at a moment are there still: each is a bit, that
 * goes when the block is freed, so that what takes its address is known to be new. An object that
 * is put aside for the next of its type (a freelist's: dicts, lists, floats, small tuples) frees no
 * block.
 *
 * With the interpreter's lock. The hook stays once it is installed, since others may have wrapped
 * it since; where nobody remembers anything it passes through.
 */
#ifndef MEMPROF_EXT_FREE_HOOK_H
#define MEMPROF_EXT_FREE_HOOK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "memprof/heap/address_bits.h"

struct remembered {
    struct address_bits blocks;
    struct remembered *next; /* of those that the hook knows */
};

/* From now on what is freed leaves it. Its owner keeps it until free_hook_forget(). */
void free_hook_remember(struct remembered *remembered);
void free_hook_forget(struct remembered *remembered);

/* Whether frees come to us; not after somebody has put back the allocator of before. */
bool free_hook_reached(void);

#endif
