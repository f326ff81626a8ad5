#include "memprof/heap/alloc_rows.h"

#include "memprof/machine/pages.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BYTE_VALUES 256

/* A node and its line. */
struct place {
    uint64_t line; /* file << 32 | line */
    uint32_t node;
};

/* What is needed for each node, in one mapping. */
struct work {
    struct place *places, *sorted; /* without node 0 */
    uint32_t *row;                 /* of a node */
    uint32_t *first, *next;        /* child, sibling; 0: none */
    uint32_t *standing;            /* of a row: how often it stands in the stack at hand */
    void *memory;
    size_t bytes;
};

static bool work_make(struct work *work, size_t n)
{
    char *memory;

    work->bytes = n * (2 * sizeof *work->places + 4 * sizeof *work->row);
    work->memory = memory = pages_map(work->bytes);
    if (memory == NULL)
        return false;
    work->places = (struct place *)memory;
    work->sorted = work->places + n;
    work->row = (uint32_t *)(work->sorted + n);
    work->first = work->row + n;
    work->next = work->first + n;
    work->standing = work->next + n;
    return true;
}

uint64_t alloc_place_of_node(const struct alloc_tree *tree, uint32_t node, alloc_place_of *place_of,
                             void *context)
{
    const struct alloc_key *key = alloc_tree_key(tree, node);
    uint64_t place = key->code == 0 ? key->offset : place_of(context, key->code, key->offset);

    return place == ALLOC_PLACE_OF_CALLER
               ? alloc_place_of_node(tree, key->parent, place_of, context)
               : place;
}

/* qsort() may call malloc(), and this may not. */
static void sort_by_byte(const struct place *from, struct place *to, size_t n, int shift)
{
    size_t starts[BYTE_VALUES + 1] = {0};

    for (size_t i = 0; i < n; i++)
        starts[(from[i].line >> shift & (BYTE_VALUES - 1)) + 1]++;
    for (int value = 1; value < BYTE_VALUES; value++)
        starts[value] += starts[value - 1];
    for (size_t i = 0; i < n; i++)
        to[starts[from[i].line >> shift & (BYTE_VALUES - 1)]++] = from[i];
}

static void sort_places(struct work *work, size_t n)
{
    uint64_t used = 0;

    for (size_t i = 0; i < n; i++)
        used |= work->places[i].line;
    for (int shift = 0; shift < 64; shift += 8) {
        struct place *from = work->places;

        if (!(used >> shift & (BYTE_VALUES - 1)))
            continue;
        sort_by_byte(from, work->sorted, n, shift);
        work->places = work->sorted;
        work->sorted = from;
    }
}

/* Gives each node its row, and returns their number. */
static size_t number_rows(struct work *work, size_t n)
{
    size_t n_rows = 0;

    for (size_t i = 0; i < n; i++) {
        n_rows += i == 0 || work->places[i].line != work->places[i - 1].line;
        work->row[work->places[i].node] = (uint32_t)n_rows - 1;
    }
    return n_rows;
}

static int rows_allocate(struct alloc_rows *rows, size_t n)
{
    size_t bytes = n * 2 * (sizeof *rows->own + sizeof *rows->files);

    rows->memory = pages_map(bytes);
    if (rows->memory == NULL)
        return -ENOMEM;
    rows->memory_bytes = bytes;
    rows->n = n;
    rows->inclusive = rows->memory;
    rows->own = rows->inclusive + n;
    rows->files = (uint32_t *)(rows->own + n);
    rows->lines = rows->files + n;
    return 0;
}

static void fill_own(struct alloc_rows *rows, const struct work *work,
                     const struct alloc_view *view)
{
    struct heap_sums sums;

    for (uint32_t i = 0; i + 1 < alloc_tree_count(view->tree); i++) {
        const struct place *place = &work->places[i];
        uint32_t row = work->row[place->node];

        rows->files[row] = (uint32_t)(place->line >> 32);
        rows->lines[row] = (uint32_t)place->line;
        alloc_view_own(view, place->node, &sums);
        heap_sums_add(&rows->own[row], &sums);
    }
}

static void link_children(struct work *work, const struct alloc_tree *tree)
{
    for (uint32_t node = alloc_tree_count(tree) - 1; node > 0; node--) {
        uint32_t parent = alloc_tree_key(tree, node)->parent;

        work->next[node] = work->first[parent];
        work->first[parent] = node;
    }
}

/* Each stack in turn, down and up again: where a row is met first, it has all from there on. */
static void fill_inclusive(struct alloc_rows *rows, struct work *work,
                           const struct alloc_tree *tree, const struct alloc_subtotals *subtotals)
{
    uint32_t node = work->first[0];

    while (node != 0) {
        if (work->standing[work->row[node]]++ == 0)
            heap_sums_add(&rows->inclusive[work->row[node]], &subtotals->sums[node]);
        if (work->first[node] != 0) {
            node = work->first[node];
            continue;
        }
        work->standing[work->row[node]]--;
        while (work->next[node] == 0 && alloc_tree_key(tree, node)->parent != 0) {
            node = alloc_tree_key(tree, node)->parent;
            work->standing[work->row[node]]--;
        }
        node = work->next[node];
    }
}

static int rows_fill(struct alloc_rows *rows, struct work *work, const struct alloc_view *view)
{
    uint32_t n = alloc_tree_count(view->tree) - 1;
    struct alloc_subtotals subtotals;
    int error;

    sort_places(work, n);
    error = rows_allocate(rows, number_rows(work, n));
    if (error == 0)
        error = alloc_subtotals_make(&subtotals, view);
    if (error != 0)
        return error;
    link_children(work, view->tree);
    fill_own(rows, work, view);
    fill_inclusive(rows, work, view->tree, &subtotals);
    alloc_subtotals_release(&subtotals);
    return 0;
}

int alloc_rows_make(struct alloc_rows *rows, const struct alloc_view *view,
                    alloc_place_of *place_of, void *context)
{
    uint32_t n = alloc_tree_count(view->tree);
    struct work work;
    int error;

    memset(rows, 0, sizeof *rows);
    if (!work_make(&work, n))
        return -ENOMEM;
    for (uint32_t node = 1; node < n; node++) {
        work.places[node - 1].node = node;
        work.places[node - 1].line = alloc_place_of_node(view->tree, node, place_of, context);
    }
    error = rows_fill(rows, &work, view);
    if (error != 0)
        alloc_rows_release(rows);
    pages_unmap(work.memory, work.bytes);
    return error;
}

void alloc_rows_release(struct alloc_rows *rows)
{
    pages_unmap(rows->memory, rows->memory_bytes);
    memset(rows, 0, sizeof *rows);
}

int alloc_subtotals_make(struct alloc_subtotals *subtotals, const struct alloc_view *view)
{
    uint32_t n = alloc_tree_count(view->tree);
    struct heap_sums own;

    subtotals->n = n;
    subtotals->sums = pages_map(n * sizeof *subtotals->sums);
    if (subtotals->sums == NULL)
        return -ENOMEM;
    for (uint32_t node = n - 1; node > 0; node--) {
        uint32_t parent = alloc_tree_key(view->tree, node)->parent;

        alloc_view_own(view, node, &own);
        heap_sums_add(&subtotals->sums[node], &own);
        heap_sums_add(&subtotals->sums[parent], &subtotals->sums[node]);
    }
    return 0;
}

void alloc_subtotals_release(struct alloc_subtotals *subtotals)
{
    pages_unmap(subtotals->sums, subtotals->n * sizeof *subtotals->sums);
    memset(subtotals, 0, sizeof *subtotals);
}
