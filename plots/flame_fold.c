#include "plots/flame_fold.h"

#include <stdlib.h>

/* The share of each node and all below it, in the view where that is largest. */
struct shares {
    double **of; /* of a process, of a node; owned */
    double *all; /* owned */
    size_t n;
};

static void add_totals(const struct flame_process *process, uint64_t totals[FLAME_VIEWS])
{
    for (size_t i = 0; i < process->n_nodes; i++)
        for (int view = 0; view < FLAME_VIEWS; view++)
            totals[view] += flame_bytes(&process->nodes[i].own, (enum flame_view)view);
}

static double largest_share(const struct heap_sums *sums, const uint64_t totals[FLAME_VIEWS])
{
    double largest = 0;

    for (int view = 0; view < FLAME_VIEWS; view++)
        if (totals[view] > 0) {
            double share = (double)flame_bytes(sums, (enum flame_view)view) / (double)totals[view];

            largest = share > largest ? share : largest;
        }
    return largest;
}

static bool shares_of(double **shares, const struct flame_process *process,
                      const uint64_t totals[FLAME_VIEWS])
{
    struct heap_sums *sums = malloc(process->n_nodes * sizeof *sums);
    double *of = *shares = malloc(process->n_nodes * sizeof *of);

    if (sums != NULL && of != NULL) {
        flame_nodes_inclusive(process->nodes, process->n_nodes, sums);
        for (size_t i = 0; i < process->n_nodes; i++)
            of[i] = largest_share(&sums[i], totals);
    }
    free(sums);
    return sums != NULL && of != NULL;
}

static int compare_falling(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? 1 : a > b ? -1 : 0;
}

/* What a share must be above, so that no more than so many are. */
static double threshold_of(struct shares *shares, const struct flame *flame, size_t most)
{
    size_t n = 0;

    for (size_t p = 0; p < flame->n_processes; p++)
        for (size_t i = 1; i < flame->processes[p].n_nodes; i++)
            shares->all[n++] = shares->of[p][i];
    if (n <= most)
        return 0;
    qsort(shares->all, n, sizeof *shares->all, compare_falling);
    return shares->all[most];
}

static bool shares_make(struct shares *shares, const struct flame *flame)
{
    uint64_t totals[FLAME_VIEWS] = {0};
    size_t n = 0;

    shares->of = calloc(flame->n_processes, sizeof *shares->of);
    for (size_t p = 0; p < flame->n_processes; p++) {
        add_totals(&flame->processes[p], totals);
        n += flame->processes[p].n_nodes;
    }
    shares->all = malloc(n * sizeof *shares->all);
    for (size_t p = 0; shares->of != NULL && p < flame->n_processes; p++)
        if (!shares_of(&shares->of[p], &flame->processes[p], totals))
            return false;
    return shares->of != NULL && shares->all != NULL;
}

static void shares_release(struct shares *shares, size_t n_processes)
{
    for (size_t p = 0; shares->of != NULL && p < n_processes; p++)
        free(shares->of[p]);
    free(shares->of);
    free(shares->all);
}

static bool fold(struct flame_fold *fold, const struct flame_process *process, const double *shares,
                 double threshold)
{
    uint32_t *holder = malloc(process->n_nodes * sizeof *holder); /* a kept one at or above it */

    fold->is_kept = calloc(process->n_nodes, sizeof *fold->is_kept);
    fold->rest = calloc(process->n_nodes, sizeof *fold->rest);
    if (holder == NULL || fold->is_kept == NULL || fold->rest == NULL) {
        free(holder);
        return false;
    }
    fold->is_kept[0] = true;
    holder[0] = 0;
    for (size_t i = 1; i < process->n_nodes; i++) {
        uint32_t above = holder[process->nodes[i].parent];

        fold->is_kept[i] = shares[i] > threshold;
        holder[i] = fold->is_kept[i] ? (uint32_t)i : above;
        if (fold->is_kept[i] || process->nodes[i].own.allocations == 0)
            continue;
        heap_sums_add(&fold->rest[above].own, &process->nodes[i].own);
        fold->rest[above].n_folded++;
    }
    free(holder);
    return true;
}

struct flame_fold *flame_folds_make(const struct flame *flame, size_t most)
{
    struct flame_fold *folds = calloc(flame->n_processes, sizeof *folds);
    struct shares shares = {0};
    bool is_made = folds != NULL && shares_make(&shares, flame);
    double threshold = is_made ? threshold_of(&shares, flame, most) : 0;

    for (size_t p = 0; is_made && p < flame->n_processes; p++)
        is_made = fold(&folds[p], &flame->processes[p], shares.of[p], threshold);
    shares_release(&shares, flame->n_processes);
    if (!is_made) {
        flame_folds_free(folds, flame->n_processes);
        return NULL;
    }
    return folds;
}

void flame_folds_free(struct flame_fold *folds, size_t n_processes)
{
    for (size_t p = 0; folds != NULL && p < n_processes; p++) {
        free(folds[p].is_kept);
        free(folds[p].rest);
    }
    free(folds);
}
