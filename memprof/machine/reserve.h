/*
 * Address space that is kept for the end of a program: where it has used up all that it may have,
 * what is said at its end needs some. Nothing of it is resident, or ever touched.
 */
#ifndef MEMPROF_RESERVE_H
#define MEMPROF_RESERVE_H

#include <stddef.h>

struct reserve {
    void *address; /* NULL: none is held */
    size_t bytes;
};

/* Holds so many bytes; nothing where there is no room for them, or where some are held already. */
void reserve_take(struct reserve *reserve, size_t bytes);

/* Gives them back to the process. Allocates nothing; needs not be called in pairs. */
void reserve_give_back(struct reserve *reserve);

#endif
