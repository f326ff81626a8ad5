#include "memprof/heap/retained.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define AHEAD 8

/* Nodes are known here by when a walk in depth met them, from 1 on; 0 is nobody. So whoever owns a
 * node has a lower number than it. */
struct finder {
    uint32_t n;
    size_t bytes;                     /* of one array of numbers */
    uint32_t *order, *nodes;          /* number of a node in the walk, and back */
    uint32_t *parents, *owners;       /* in the walk; parents become shortcuts to ancestors */
    uint32_t *semi, *labels, *stack;  /* of semi-NCA */
    uint32_t *held_first, *held_from; /* by whom each is referred to */
    size_t n_references;
};

static uint32_t *numbers(const struct finder *finder)
{
    return pages_map(finder->bytes);
}

static void drop(const struct finder *finder, uint32_t **array)
{
    pages_unmap(*array, finder->bytes);
    *array = NULL;
}

static int begin(struct finder *finder, const struct object_graph *graph)
{
    memset(finder, 0, sizeof *finder);
    finder->n = graph->n;
    finder->bytes = ((size_t)graph->n + 2) * sizeof(uint32_t);
    finder->n_references = graph->to.n;
    finder->order = numbers(finder);
    finder->nodes = numbers(finder);
    finder->parents = numbers(finder);
    finder->owners = numbers(finder);
    finder->semi = numbers(finder);
    finder->labels = numbers(finder);
    finder->stack = numbers(finder);
    finder->held_first = numbers(finder);
    finder->held_from = pages_map((finder->n_references + 1) * sizeof(uint32_t));
    return finder->order != NULL && finder->nodes != NULL && finder->parents != NULL &&
                   finder->owners != NULL && finder->semi != NULL && finder->labels != NULL &&
                   finder->stack != NULL && finder->held_first != NULL && finder->held_from != NULL
               ? 0
               : -ENOMEM;
}

static void end(struct finder *finder)
{
    uint32_t **arrays[] = {&finder->order, &finder->nodes,  &finder->parents, &finder->owners,
                           &finder->semi,  &finder->labels, &finder->stack,   &finder->held_first};

    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        drop(finder, arrays[i]);
    pages_unmap(finder->held_from, (finder->n_references + 1) * sizeof(uint32_t));
}

/* ---- the walk in depth ---- */

static void meet(struct finder *finder, uint32_t node, uint32_t parent, uint32_t number)
{
    finder->order[node] = number;
    finder->nodes[number] = node;
    finder->parents[number] = parent;
}

/* Of a node with many references: what will be looked at soon is on its way from memory, from
 * `edge` on: far ahead the nodes, nearer what they refer to, next to it the nodes of that. */
static void fetch(const struct finder *finder, const struct object_graph *graph,
                  const uint32_t *next, uint32_t edge)
{
    uint32_t far = number_list_at(&graph->to, edge + AHEAD);
    uint32_t near = number_list_at(&graph->to, edge + AHEAD / 2);
    uint32_t soon = number_list_at(&graph->to, edge + 1);
    uint32_t at = graph->first[near], to = graph->first[soon], end = graph->first[soon + 1];

    __builtin_prefetch(&finder->order[far]);
    __builtin_prefetch(&graph->first[far]);
    __builtin_prefetch(&next[far]);
    if (at < graph->to.n)
        __builtin_prefetch(&graph->to.segments[at >> NUMBER_LIST_SHIFT][at & NUMBER_LIST_MASK]);
    for (int i = 0; to < end && i < AHEAD; i++, to++) {
        uint32_t node = number_list_at(&graph->to, to);

        __builtin_prefetch(&finder->order[node]);
        __builtin_prefetch(&graph->first[node]);
        __builtin_prefetch(&next[node]);
    }
}

/* `next`: by node, where to go on in its references. */
static void walk(struct finder *finder, const struct object_graph *graph, uint32_t *next)
{
    uint32_t at = 1, n = 1;

    memcpy(next, graph->first, (size_t)graph->n * sizeof *next);
    meet(finder, graph->n - 1, 0, n);
    while (at != 0) {
        uint32_t node = finder->nodes[at], to;

        if (next[node] == graph->first[node + 1]) {
            at = finder->parents[at];
            continue;
        }
        to = number_list_at(&graph->to, next[node]++);
        if (graph->first[node + 1] - next[node] > AHEAD)
            fetch(finder, graph, next, next[node]);
        if (finder->order[to] != 0)
            continue;
        meet(finder, to, at, ++n);
        at = n;
    }
}

/* Who refers to each: turned round, by numbers of the walk. */
static void turn_round(struct finder *finder, const struct object_graph *graph)
{
    uint32_t *first = finder->held_first;

    for (uint32_t i = 0; i < graph->to.n; i++)
        first[finder->order[number_list_at(&graph->to, i)] + 1]++;
    for (uint32_t i = 1; i <= finder->n + 1; i++)
        first[i] += first[i - 1];
    for (uint32_t i = 1; i <= finder->n; i++) {
        uint32_t node = finder->nodes[i];

        if (finder->n - i > AHEAD)
            __builtin_prefetch(&graph->first[finder->nodes[i + AHEAD]]);
        for (uint32_t edge = graph->first[node]; edge < graph->first[node + 1]; edge++) {
            uint32_t to = finder->order[number_list_at(&graph->to, edge)];

            finder->held_from[first[to]++] = i;
        }
    }
    memmove(first + 1, first, (size_t)(finder->n + 1) * sizeof *first); /* each stands at its end */
    first[0] = first[1] = 0;
}

/* ---- semi-NCA ---- */

/* The label of the least semi on the way up to what has not been linked yet; the way is cut short
 * for who comes next. */
static uint32_t least_label(struct finder *finder, uint32_t node, uint32_t linked)
{
    uint32_t *parents = finder->parents, *labels = finder->labels, *semi = finder->semi;
    uint32_t n = 0, above, best;

    if (parents[node] < linked)
        return labels[node];
    do {
        finder->stack[n++] = node;
        node = parents[node];
    } while (parents[node] >= linked);
    above = node;
    best = labels[above];
    while (n > 0) {
        node = finder->stack[--n];
        parents[node] = parents[above];
        if (semi[best] < semi[labels[node]])
            labels[node] = best;
        else
            best = labels[node];
        above = node;
    }
    return labels[node];
}

static void find_owners(struct finder *finder)
{
    uint32_t *owners = finder->owners, *semi = finder->semi;

    memcpy(owners, finder->parents, finder->bytes);
    for (uint32_t i = 0; i <= finder->n; i++)
        semi[i] = finder->labels[i] = i;
    for (uint32_t i = finder->n; i >= 2; i--) {
        semi[i] = owners[i];
        for (uint32_t edge = finder->held_first[i]; edge < finder->held_first[i + 1]; edge++) {
            uint32_t least = semi[least_label(finder, finder->held_from[edge], i + 1)];

            if (least < semi[i])
                semi[i] = least;
        }
    }
    for (uint32_t i = 2; i <= finder->n; i++)
        while (owners[i] > semi[i])
            owners[i] = owners[owners[i]];
}

/* ---- what they keep ---- */

static int allocate(struct retained *retained, uint32_t n)
{
    memset(retained, 0, sizeof *retained);
    retained->n = n;
    retained->owners = pages_map(n * sizeof *retained->owners);
    retained->n_objects = pages_map(n * sizeof *retained->n_objects);
    retained->bytes = pages_map(n * sizeof *retained->bytes);
    retained->is_single = pages_map(n * sizeof *retained->is_single);
    return retained->owners != NULL && retained->n_objects != NULL && retained->bytes != NULL &&
                   retained->is_single != NULL
               ? 0
               : -ENOMEM;
}

static void add_up(const struct finder *finder, const uint64_t *own, struct retained *retained)
{
    for (uint32_t i = finder->n; i >= 1; i--) {
        uint32_t node = finder->nodes[i];
        uint32_t owner = i == 1 ? node : finder->nodes[finder->owners[i]];

        retained->owners[node] = owner;
        retained->n_objects[node]++;
        retained->bytes[node] += own[node];
        if (i == 1)
            continue;
        retained->n_objects[owner] += retained->n_objects[node];
        retained->bytes[owner] += retained->bytes[node];
    }
}

/* Numbers again, `begins`, so that what a node keeps has those behind its own: [begins[node],
 * begins[node] + n_objects). `free`: the next for what it keeps. */
static void number_kept(const struct finder *finder, const struct retained *retained,
                        uint32_t *begins, uint32_t *free)
{
    begins[1] = 0;
    free[1] = 1;
    for (uint32_t i = 2; i <= finder->n; i++) {
        uint32_t owner = finder->owners[i];

        begins[i] = free[owner];
        free[owner] += retained->n_objects[finder->nodes[i]];
        free[i] = begins[i] + 1;
    }
}

static void find_single(const struct finder *finder, struct retained *retained)
{
    uint32_t *begins = finder->semi;

    number_kept(finder, retained, begins, finder->labels);
    for (uint32_t i = 2; i <= finder->n; i++) {
        uint32_t node = finder->nodes[i], n_outside = 0;

        for (uint32_t edge = finder->held_first[i]; edge < finder->held_first[i + 1]; edge++) {
            uint32_t from = finder->held_from[edge];

            n_outside += begins[from] - begins[i] >= retained->n_objects[node];
        }
        retained->is_single[node] = n_outside == 1;
    }
}

int retained_find(struct retained *retained, struct object_graph *graph)
{
    struct finder finder;
    int error;

    graph->first[graph->n] = graph->to.n;
    memset(retained, 0, sizeof *retained);
    error = begin(&finder, graph);
    if (error == 0) {
        walk(&finder, graph, finder.stack);
        turn_round(&finder, graph);
        object_graph_forget(graph);
        drop(&finder, &finder.order);
        find_owners(&finder);
        drop(&finder, &finder.stack);
        drop(&finder, &finder.parents);
        error = allocate(retained, graph->n);
    }
    if (error == 0) {
        add_up(&finder, graph->bytes, retained);
        find_single(&finder, retained);
    }
    end(&finder);
    if (error != 0)
        retained_release(retained);
    return error;
}

void retained_release(struct retained *retained)
{
    uint32_t n = retained->n;

    pages_unmap(retained->owners, n * sizeof *retained->owners);
    pages_unmap(retained->n_objects, n * sizeof *retained->n_objects);
    pages_unmap(retained->bytes, n * sizeof *retained->bytes);
    pages_unmap(retained->is_single, n * sizeof *retained->is_single);
    memset(retained, 0, sizeof *retained);
}
