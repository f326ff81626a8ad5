#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memprof/lines/call_graph.h"

/* A program whose memory is whatever the test says. */
static int64_t memory;

static int read_memory(void *context, int64_t *bytes)
{
    (void)context;
    *bytes = memory;
    return 0;
}

struct fixture {
    struct meter meter;
    struct meter_thread meter_thread;
    struct call_graph graph;
    struct call_stack *stack;
    struct call_function *f, *g, *h;
};

static char frames[100]; /* addresses of frames */

static void set_up(struct fixture *x)
{
    memset(x, 0, sizeof *x);
    x->meter.read = read_memory;
    memory = 1000;
    call_graph_init(&x->graph, &x->meter);
    x->f = call_function_new(&x->graph, "f");
    x->g = call_function_new(&x->graph, "g");
    x->h = call_function_new(&x->graph, "h");
    x->stack = call_stack_new(&x->graph, &x->meter_thread);
    assert_true(x->f && x->g && x->h && x->stack);
}

/* Own increments add up to what the outermost calls grew. */
static void tear_down(struct fixture *x)
{
    int64_t own = 0;

    for (const struct call_function *each = x->graph.functions; each != NULL; each = each->next)
        own += each->sums.own;
    assert_int_equal(own, x->graph.outermost);
    call_graph_release(&x->graph);
}

static void start(struct fixture *x, struct call_function *function, int frame)
{
    assert_int_equal(call_event_start(&x->graph, x->stack, function, &frames[frame]), 0);
}

static void leave(struct fixture *x, int frame)
{
    call_event_leave(&x->graph, x->stack, &frames[frame]);
}

static void check(const struct call_sums *sums, uint64_t calls, uint64_t primitive, int64_t own,
                  int64_t cumulative)
{
    assert_int_equal(sums->calls, calls);
    assert_int_equal(sums->primitive, primitive);
    assert_int_equal(sums->own, own);
    assert_int_equal(sums->cumulative, cumulative);
}

static const struct call_sums *from(const struct call_function *callee,
                                    const struct call_function *caller)
{
    const struct call_edge *edge = callee->callers;

    while (edge != NULL && edge->caller != caller)
        edge = edge->next;
    assert_non_null(edge);
    return &edge->sums;
}

static void test_own_and_cumulative(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    start(&x, x.f, 0);
    memory += 10;
    for (int i = 0; i < 3; i++) {
        start(&x, x.g, 1);
        memory += 100;
        start(&x, x.h, 2);
        memory -= 30;
        leave(&x, 2);
        leave(&x, 1);
        memory += 1;
    }
    leave(&x, 0);
    check(&x.f->sums, 1, 1, 13, 223);
    check(&x.g->sums, 3, 3, 300, 210);
    check(&x.h->sums, 3, 3, -90, -90);
    check(from(x.g, x.f), 3, 3, 300, 210);
    check(from(x.f, NULL), 1, 1, 13, 223);
    assert_int_equal(x.g->peak, 100);
    assert_int_equal(x.f->peak, 252); /* 10, two whole rounds of 71, and 100 of the third */
    assert_int_equal(x.graph.outermost, 223);
    tear_down(&x);
}

static void test_recursion_counts_once(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    for (int i = 0; i < 4; i++) {
        start(&x, i == 2 ? x.g : x.f, i);
        memory += 10;
    }
    for (int i = 4; i-- > 0;)
        leave(&x, i);
    check(&x.f->sums, 3, 1, 30, 40);
    check(&x.g->sums, 1, 1, 10, 20);
    check(from(x.f, x.f), 1, 0, 10, 0);
    check(from(x.f, x.g), 1, 0, 10, 0);
    tear_down(&x);
}

static void test_a_suspended_generator(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    start(&x, x.f, 0);
    start(&x, x.g, 1);
    memory += 5;
    leave(&x, 1);
    memory += 1000;
    assert_int_equal(call_event_resume(&x.graph, x.stack, x.g, &frames[1]), 0);
    memory += 7;
    leave(&x, 1);
    leave(&x, 0);
    check(&x.g->sums, 1, 1, 12, 12);
    check(&x.f->sums, 1, 1, 1000, 1012);
    tear_down(&x);
}

static void test_ends_that_were_not_seen(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    start(&x, x.f, 0);
    start(&x, x.g, 1);
    memory += 3;
    start(&x, x.h, 2);
    memory += 4;
    leave(&x, 0);
    leave(&x, 0);
    assert_int_equal(x.stack->depth, 0);
    check(&x.f->sums, 1, 1, 0, 7);
    start(&x, x.f, 5);
    memory += 9;
    call_graph_stop(&x.graph);
    check(&x.f->sums, 2, 2, 9, 16);
    tear_down(&x);
}

static void test_threads_have_stacks_of_their_own(void **state)
{
    struct fixture x;
    struct meter_thread other_thread = {0};
    struct call_stack *other;

    (void)state;
    set_up(&x);
    other = call_stack_new(&x.graph, &other_thread);
    start(&x, x.f, 0);
    for (int i = 1; i < 90; i++) { /* deep enough to grow */
        assert_int_equal(call_event_start(&x.graph, other, x.f, &frames[i]), 0);
        memory++;
    }
    call_event_leave(&x.graph, other, &frames[1]);
    leave(&x, 0);
    assert_int_equal(x.f->sums.calls, 90);
    assert_int_equal(x.f->sums.primitive, 2);
    assert_int_equal(x.f->sums.cumulative, 89 + 89); /* both threads saw it */
    tear_down(&x);
}

static void test_a_function_with_many_callers(void **state)
{
    struct call_function *callers[1000];
    const struct call_edge *edge;
    struct fixture x;
    int n_edges = 0;

    (void)state;
    set_up(&x);
    for (int i = 0; i < 3000; i++) {
        if (i < 1000)
            callers[i] = call_function_new(&x.graph, NULL);
        start(&x, callers[i * 7 % 1000 < i || i >= 1000 ? i * 7 % 1000 : i], 0);
        start(&x, x.f, 1);
        memory++;
        leave(&x, 1);
        leave(&x, 0);
    }
    for (edge = x.f->callers; edge != NULL; edge = edge->next) {
        assert_int_equal(edge->sums.own, edge->sums.calls);
        n_edges++;
    }
    assert_int_equal(n_edges, 1000);
    check(&x.f->sums, 3000, 3000, 3000, 3000);
    tear_down(&x);
}

static void test_the_insides_of_a_library_are_folded(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    x.graph.folds = true;
    x.g->side = x.h->side = CALL_LIBRARY;
    start(&x, x.f, 0);
    start(&x, x.g, 1); /* entered by the program: counted */
    memory += 100;
    start(&x, x.h, 2);
    memory += 500; /* for a moment, in the inside */
    start(&x, x.g, 3);
    memory -= 460;
    leave(&x, 3);
    start(&x, x.f, 4); /* the program's own, called back */
    memory += 7;
    start(&x, x.h, 5); /* which enters the library anew */
    memory += 3;
    leave(&x, 5);
    leave(&x, 4);
    leave(&x, 2);
    leave(&x, 1);
    leave(&x, 0);
    check(&x.g->sums, 1, 1, 140, 150);
    check(&x.h->sums, 1, 1, 3, 3);
    check(&x.f->sums, 2, 1, 7, 150);
    check(from(x.g, x.f), 1, 1, 140, 150);
    check(from(x.f, x.g), 1, 0, 7, 0);
    check(from(x.h, x.f), 1, 1, 3, 3);
    assert_int_equal(x.g->peak, 600);
    tear_down(&x);
}

static void test_code_without_a_file_is_its_callers(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    x.graph.folds = true;
    x.g->side = CALL_LIBRARY;
    x.h->side = CALL_EITHER;
    start(&x, x.h, 0); /* by nobody, and so the program's */
    start(&x, x.g, 1);
    memory += 10;
    start(&x, x.h, 2);
    memory += 20;
    leave(&x, 2);
    leave(&x, 1);
    leave(&x, 0);
    check(&x.h->sums, 1, 1, 0, 30);
    check(&x.g->sums, 1, 1, 30, 30);
    tear_down(&x);
}

static void test_a_generator_of_a_library_is_folded_where_that_resumes_it(void **state)
{
    struct fixture x;

    (void)state;
    set_up(&x);
    x.graph.folds = true;
    x.g->side = x.h->side = CALL_LIBRARY;
    start(&x, x.f, 0);
    start(&x, x.h, 1);
    leave(&x, 1);
    assert_int_equal(call_event_resume(&x.graph, x.stack, x.h, &frames[1]), 0);
    memory += 5;
    leave(&x, 1);
    start(&x, x.g, 2);
    assert_int_equal(call_event_resume(&x.graph, x.stack, x.h, &frames[1]), 0);
    memory += 8;
    leave(&x, 1);
    leave(&x, 2);
    leave(&x, 0);
    check(&x.h->sums, 1, 1, 5, 5);
    check(&x.g->sums, 1, 1, 8, 8);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_and_cumulative),
        cmocka_unit_test(test_recursion_counts_once),
        cmocka_unit_test(test_a_suspended_generator),
        cmocka_unit_test(test_ends_that_were_not_seen),
        cmocka_unit_test(test_threads_have_stacks_of_their_own),
        cmocka_unit_test(test_a_function_with_many_callers),
        cmocka_unit_test(test_the_insides_of_a_library_are_folded),
        cmocka_unit_test(test_code_without_a_file_is_its_callers),
        cmocka_unit_test(test_a_generator_of_a_library_is_folded_where_that_resumes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
