/* Which of some words somebody may have meant who wrote another. */
#ifndef MPROF_CLOSEST_H
#define MPROF_CLOSEST_H

#include <stddef.h>

struct closest {
    const char *written; /* borrowed, `length` bytes */
    size_t length;
    const char *word;  /* the best so far, borrowed; NULL: none is close */
    size_t n_mistakes; /* by which it differs */
};

/* A letter too much, too few, another one, or two exchanged are a mistake; a third of the letters
 * may be. */
struct closest closest_to(const char *written, size_t length);
void closest_try(struct closest *closest, const char *word);

#endif
