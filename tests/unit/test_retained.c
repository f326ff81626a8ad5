#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/object_graph.h"
#include "memprof/heap/retained.h"

enum { MOST = 40 };

/* A graph as a table: how often each node refers to each. */
struct model {
    int n;
    int references[MOST][MOST];
    uint64_t bytes[MOST];
};

static void refer(struct model *model, int from, int to)
{
    model->references[from][to]++;
}

/* The root, the last, refers to each that nobody would reach. */
static void random_model(struct model *model)
{
    size_t n_references;

    memset(model, 0, sizeof *model);
    model->n = 2 + (int)random_below(MOST - 2);
    n_references = random_below((size_t)model->n * 3);
    for (size_t i = 0; i < n_references; i++)
        refer(model, (int)random_below((size_t)model->n), (int)random_below((size_t)model->n - 1));
    for (int i = 0; i < model->n; i++)
        model->bytes[i] = 16 * random_below(1000);
}

static int reach(const struct model *model, int at, int without, bool *is_reached)
{
    int n = 1;

    is_reached[at] = true;
    for (int to = 0; to < model->n; to++)
        if (model->references[at][to] && to != without && !is_reached[to])
            n += reach(model, to, without, is_reached);
    return n;
}

static void reach_all(struct model *model)
{
    bool is_reached[MOST] = {false};

    for (int i = 0; i < model->n - 1; i++) {
        memset(is_reached, 0, sizeof is_reached);
        reach(model, model->n - 1, -1, is_reached);
        if (!is_reached[i])
            refer(model, model->n - 1, i);
    }
}

static void build(struct object_graph *graph, const struct model *model)
{
    assert_int_equal(object_graph_init(graph, (uint32_t)model->n), 0);
    for (int from = 0; from < model->n; from++) {
        assert_int_equal(object_graph_begin(graph, model->bytes[from]), from);
        for (int to = 0; to < model->n; to++)
            for (int i = 0; i < model->references[from][to]; i++)
                object_graph_refer(graph, (uint32_t)to);
    }
    graph->first[graph->n] = graph->to.n;
}

/* What is out of reach without the node, by trying. */
static void check_node(const struct model *model, const struct retained *retained, int node)
{
    bool is_left[MOST] = {false};
    uint64_t bytes = 0;
    int n = 0, n_outside = 0;

    if (node != model->n - 1)
        reach(model, model->n - 1, node, is_left);
    for (int i = 0; i < model->n; i++) {
        n += !is_left[i];
        bytes += is_left[i] ? 0 : model->bytes[i];
        n_outside += is_left[i] ? model->references[i][node] : 0;
    }
    assert_int_equal(retained->n_objects[node], n);
    assert_int_equal(retained->bytes[node], bytes);
    if (node != model->n - 1)
        assert_int_equal(retained->is_single[node], n_outside == 1);
}

/* The nearest without which it is out of reach. */
static void check_owner(const struct model *model, const struct retained *retained, int node)
{
    int owner = (int)retained->owners[node];

    for (int i = 0; i < model->n - 1 && node != model->n - 1; i++) {
        bool is_left[MOST] = {false};

        reach(model, model->n - 1, i, is_left);
        if (i != node && !is_left[node])
            assert_true(retained->n_objects[i] >= retained->n_objects[owner]);
        if (i == owner)
            assert_false(is_left[node]);
    }
}

static void check(struct model *model)
{
    struct object_graph graph;
    struct retained retained;

    reach_all(model);
    build(&graph, model);
    assert_int_equal(retained_find(&retained, &graph), 0);
    for (int i = 0; i < model->n; i++) {
        check_node(model, &retained, i);
        check_owner(model, &retained, i);
    }
    retained_release(&retained);
    object_graph_release(&graph);
}

static void test_as_by_taking_each_away(void **state)
{
    struct model model;

    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        random_seed(seed);
        random_model(&model);
        check(&model);
    }
}

static void test_the_root_alone(void **state)
{
    struct model model = {.n = 1, .bytes = {48}};

    (void)state;
    check(&model);
}

/* A chain in which each refers back to the first, too: neither deep nor slow. */
static void test_a_long_chain(void **state)
{
    enum { N = 1000000 };
    struct object_graph graph;
    struct retained retained;

    (void)state;
    assert_int_equal(object_graph_init(&graph, N + 1), 0);
    for (uint32_t i = 0; i < N; i++) {
        object_graph_begin(&graph, 16);
        object_graph_refer(&graph, 0);
        if (i + 1 < N)
            object_graph_refer(&graph, i + 1);
    }
    object_graph_begin(&graph, 0);
    object_graph_refer(&graph, 0);
    assert_int_equal(retained_find(&retained, &graph), 0);
    for (uint32_t i = 0; i < N; i += 997) {
        assert_int_equal(retained.n_objects[i], N - i);
        assert_int_equal(retained.bytes[i], 16 * (uint64_t)(N - i));
        assert_int_equal(retained.owners[i], i == 0 ? N : i - 1);
        assert_true(retained.is_single[i]);
    }
    retained_release(&retained);
    object_graph_release(&graph);
}

/* Each by the shortest way from the first that leads to it. */
static void test_the_way_to_each(void **state)
{
    struct model model = {.n = 6};
    struct object_graph graph;
    uint32_t from[6], queue[6];

    (void)state;
    refer(&model, 0, 1);
    refer(&model, 1, 2);
    refer(&model, 2, 3);
    refer(&model, 0, 3);
    refer(&model, 4, 3);
    refer(&model, 5, 4);
    build(&graph, &model);
    memset(from, 0xff, sizeof from);
    from[0] = from[5] = 5;
    object_graph_reach(&graph, 0, from, queue);
    assert_int_equal(from[1], 0);
    assert_int_equal(from[2], 1);
    assert_int_equal(from[3], 0);
    assert_int_equal(from[4], OBJECT_GRAPH_NONE);
    object_graph_reach(&graph, 5, from, queue);
    assert_int_equal(from[4], 5);
    assert_int_equal(from[3], 0);
    object_graph_release(&graph);
}

static void test_without_memory_it_fails_and_can_be_released(void **state)
{
    enum { N = 3 };
    struct object_graph graph;
    struct retained retained;

    (void)state;
    for (int maps = 0; maps < 18; maps++) {
        maps_left = maps;
        if (object_graph_init(&graph, N) == 0) {
            for (uint32_t i = 0; i < N; i++) {
                object_graph_begin(&graph, 16);
                object_graph_refer(&graph, (i + 1) % (N - 1));
            }
            if (graph.to.has_failed)
                assert_true(maps < 4);
            else
                assert_int_equal(retained_find(&retained, &graph), maps < 17 ? -ENOMEM : 0);
            if (maps == 17)
                retained_release(&retained);
        } else {
            assert_true(maps < 2);
        }
        object_graph_release(&graph);
    }
    maps_left = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_by_taking_each_away),
        cmocka_unit_test(test_the_root_alone),
        cmocka_unit_test(test_a_long_chain),
        cmocka_unit_test(test_the_way_to_each),
        cmocka_unit_test(test_without_memory_it_fails_and_can_be_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
