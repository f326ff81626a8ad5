#include "memprof/heap/object_graph.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define AHEAD 8 /* what will be looked at soon is on its way from memory */

static size_t first_bytes(const struct object_graph *graph)
{
    return ((size_t)graph->n + 1) * sizeof *graph->first;
}

int object_graph_init(struct object_graph *graph, uint32_t n)
{
    memset(graph, 0, sizeof *graph);
    graph->n = n;
    graph->first = pages_map(first_bytes(graph));
    graph->bytes = pages_map(n * sizeof *graph->bytes);
    if (graph->first != NULL && graph->bytes != NULL)
        return 0;
    object_graph_release(graph);
    return -ENOMEM;
}

void object_graph_forget(struct object_graph *graph)
{
    pages_unmap(graph->first, first_bytes(graph));
    graph->first = NULL;
    number_list_release(&graph->to);
}

void object_graph_release(struct object_graph *graph)
{
    object_graph_forget(graph);
    pages_unmap(graph->bytes, graph->n * sizeof *graph->bytes);
    memset(graph, 0, sizeof *graph);
}

void object_graph_reach(const struct object_graph *graph, uint32_t node, uint32_t *from,
                        uint32_t *queue)
{
    uint32_t n = 0;

    queue[n++] = node;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = queue[i], end = graph->first[at + 1];

        if (n - i > AHEAD)
            __builtin_prefetch(&graph->first[queue[i + AHEAD]]);
        for (uint32_t edge = graph->first[at]; edge < end; edge++) {
            uint32_t to = number_list_at(&graph->to, edge);

            if (end - edge > AHEAD)
                __builtin_prefetch(&from[number_list_at(&graph->to, edge + AHEAD)]);
            if (from[to] != OBJECT_GRAPH_NONE)
                continue;
            from[to] = at;
            queue[n++] = to;
        }
    }
}
