/*
 * Which nodes of stacks a page shows: those with the largest shares in any view, with all that they
 * stand under. The others are summed up below the one that they hang on, so that nothing is lost.
 */
#ifndef PLOTS_FLAME_FOLD_H
#define PLOTS_FLAME_FOLD_H

#include <stdbool.h>

#include "plots/flame.h"

/* Of a process. */
struct flame_fold {
    bool *is_kept;           /* of each node; the root's always */
    struct flame_node *rest; /* below each that is kept: the sum, and of how many in n_folded */
};

/* An array of as many as there are processes, to be freed by flame_folds_free(); NULL without
 * memory. At most so many nodes are kept of all, the roots not counted; none that has nothing. */
struct flame_fold *flame_folds_make(const struct flame *flame, size_t most);
void flame_folds_free(struct flame_fold *folds, size_t n_processes);

#endif
