/* The frames of a stack from the outermost to the innermost, for who writes them one by one. */
#ifndef PLOTS_FLAME_STACK_H
#define PLOTS_FLAME_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "plots/flame.h"

/* Numbers of nodes; zero at first. */
struct flame_stack {
    uint32_t *nodes; /* owned, by free() */
    size_t n, capacity;
};

/* The stack of a node, the root left out. 0 or -ENOMEM. */
int flame_stack_of(struct flame_stack *stack, const struct flame_process *process, size_t node);

/* The last part of a path. */
const char *flame_base_name(const char *path);

#endif
