#include "line_fixture.h"

static char frame_c;

static void test_a_call(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 50);
    step(&f, 12, -30);
    step(&f, 11, 5);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 10, 1000, 1);
    check_row(&f, 11, 55, 2);
    check_row(&f, 12, -30, 1);
    assert_int_equal(line_table_row(f.function->table, 11)->mem, 1050);
    assert_int_equal(f.function->table->segments_bytes, 25);
    check_ledger(&f);
    tear_down(&f);
}

static void test_growth_between_calls_is_not_the_functions(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    for (int i = 0; i < 3; i++) {
        line_event_start(&f.stack, &f.code, &frame_a);
        step(&f, 11, 7);
        line_event_leave(&f.stack, &frame_a, LINE_RETURN);
        memory += 100000;
    }
    check_row(&f, 10, 1000, 3);
    check_row(&f, 11, 21, 3);
    check_ledger(&f);
    tear_down(&f);
}

static void test_recursion_is_counted_once(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 10);
    step(&f, 13, 3); /* grows 3, then calls itself */
    line_event_start(&f.stack, &f.code, &frame_b);
    step(&f, 11, 20);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    memory += 4; /* what line 13 does with the result */
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 11, 30, 2);
    check_row(&f, 13, 7, 1);
    check_row(&f, 10, 1000, 2);
    assert_int_equal(f.function->table->segments_bytes, 37);
    check_ledger(&f);
    tear_down(&f);
}

static void test_nested_code_fills_its_own_lines(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 14, 0); /* calls the nested function of line 12 */
    line_event_start(&f.stack, &f.nested, &frame_b);
    step(&f, 13, 40);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 12, 0, 1); /* the entry of nested code */
    check_row(&f, 13, 40, 1);
    check_row(&f, 14, 0, 1); /* the calling line shows nothing of it */
    check_row(&f, 10, 1000, 1);
    check_ledger(&f);
    tear_down(&f);
}

static void test_suspension_is_left_out(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 8);
    line_event_leave(&f.stack, &frame_a, LINE_YIELD);
    memory += 5000;
    line_event_resume(&f.stack, &f.code, &frame_a, 11);
    memory += 2; /* still the yield's line */
    step(&f, 12, 16);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 11, 10, 1);
    check_row(&f, 12, 16, 1);
    check_row(&f, 10, 1000, 1);
    check_ledger(&f);
    tear_down(&f);
}

static void test_lost_ends_are_found_again(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 1);
    line_event_start(&f.stack, &f.code, &frame_b);
    step(&f, 12, 2);
    /* frame_b ends unseen: the next event is of frame_a. */
    line_event_line_slow(&f.stack, &f.code, &frame_a, 13);
    memory += 4;
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(f.stack.depth, 0);
    check_row(&f, 12, 2, 1);
    check_row(&f, 13, 4, 1);
    check_ledger(&f);
    /* A frame nobody saw begin. */
    line_event_line_slow(&f.stack, &f.code, &frame_c, 14);
    memory += 9;
    line_event_leave(&f.stack, &frame_c, LINE_RETURN);
    check_row(&f, 14, 9, 1);
    check_ledger(&f);
    tear_down(&f);
}

static void test_deep_stacks_grow(void **state)
{
    struct fixture f;
    static char frames[5000];

    (void)state;
    set_up(&f, 0);
    for (int i = 0; i < 5000; i++) {
        line_event_start(&f.stack, &f.code, &frames[i]);
        step(&f, 11, 1);
    }
    for (int i = 4999; i >= 0; i--)
        line_event_leave(&f.stack, &frames[i], LINE_UNWIND);
    assert_int_equal(f.stack.depth, 0);
    check_row(&f, 11, 5000, 5000);
    check_row(&f, 10, 1000, 5000);
    check_ledger(&f);
    tear_down(&f);
}

/* A second profiler of the same code. */
static struct line_function *set_up_other(struct fixture *f, struct line_profiler *other)
{
    struct line_function *function;

    line_profiler_init(other, &f->engine, 0);
    function = line_function_new(other, 10, 6, 0);
    assert_int_equal(line_watch_add(function, &f->code, 1), 0);
    return function;
}

/* Its ledger balances, too. */
static void tear_down_other(struct fixture *f, struct line_profiler *other,
                            const struct line_function *function)
{
    assert_int_equal(line_table_sum(function->table),
                     function->table->entry_bytes + function->table->segments_bytes);
    line_watch_remove(line_watch_find(&f->code, other));
    line_profiler_clear(other);
}

static void test_two_profilers_share_a_code(void **state)
{
    struct fixture f;
    struct line_profiler other;
    struct line_function *function;

    (void)state;
    set_up(&f, 0);
    function = set_up_other(&f, &other);
    for (int enabled = 0; enabled < 2; enabled++) {
        if (enabled)
            line_profiler_enable(&other);
        line_event_start(&f.stack, &f.code, &frame_a);
        step(&f, 11, 6);
        step(&f, 12, 1);
        line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    }
    check_row(&f, 11, 12, 2);
    assert_int_equal(line_table_row(function->table, 11)->increment, 6);
    assert_int_equal(line_table_row(function->table, 11)->hits, 1);
    /* Stopping one in the middle of a call ends its part only. */
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 100);
    line_profiler_disable(&other);
    line_stack_drop(&f.stack, &other);
    step(&f, 12, 1000);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 12, 1002, 3);
    assert_int_equal(line_table_row(function->table, 11)->increment, 106);
    assert_int_equal(line_table_row(function->table, 12)->hits, 1);
    check_ledger(&f);
    tear_down_other(&f, &other, function);
    tear_down(&f);
}

static void test_a_profiler_joins_a_call_that_another_counts(void **state)
{
    struct fixture f;
    struct line_profiler other;
    struct line_function *function;

    (void)state;
    set_up(&f, 0);
    function = set_up_other(&f, &other);
    line_event_join(&f.stack, &other); /* nobody is there */
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 6);
    line_event_join(&f.stack, &other); /* not enabled */
    step(&f, 12, 20);
    line_profiler_enable(&other);
    for (int again = 0; again < 2; again++)
        line_event_join(&f.stack, &other);
    memory += 300; /* line 12 goes on */
    step(&f, 13, 4000);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    check_row(&f, 12, 320, 1);
    check_row(&f, 13, 4000, 1);
    check_ledger(&f);
    assert_int_equal(line_table_row(function->table, 12)->increment, 300);
    assert_int_equal(line_table_row(function->table, 13)->increment, 4000);
    assert_int_equal(line_table_row(function->table, 13)->hits, 1);
    tear_down_other(&f, &other, function);
    tear_down(&f);
}

static void test_growth_of_calls_that_no_other_function_made(void **state)
{
    struct fixture f;
    struct line_code other = {.first_line = 30};
    struct line_function *callee;

    (void)state;
    set_up(&f, 0);
    callee = line_function_new(&f.profiler, 30, 4, 0);
    callee->always_on = 1;
    assert_int_equal(line_watch_add(callee, &other, 1), 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 1);
    line_event_start(&f.stack, &other, &frame_b);
    step(&f, 31, 20);
    step(&f, 32, 0);
    assert_int_equal(line_function_open_outermost_bytes(callee), 0);
    assert_int_equal(line_function_open_outermost_bytes(f.function), 21);
    assert_int_equal(line_function_open_bytes(f.function), 0);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    step(&f, 12, 300);
    assert_int_equal(line_function_open_outermost_bytes(f.function), 21); /* line 12 goes on */
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    line_event_start(&f.stack, &other, &frame_c);
    step(&f, 31, 4000);
    line_event_leave(&f.stack, &frame_c, LINE_RETURN);
    assert_int_equal(f.function->table->outermost_bytes, 321);
    assert_int_equal(callee->table->segments_bytes, 4020);
    assert_int_equal(callee->table->outermost_bytes, 4000);
    line_code_forget(&other);
    tear_down(&f);
}

static void test_a_table_per_call(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 1);
    for (int i = 0; i < 2; i++) {
        line_event_start(&f.stack, &f.code, &frame_a);
        step(&f, 11, 5);
        line_event_start(&f.stack, &f.code, &frame_b);
        line_event_leave(&f.stack, &frame_b, LINE_RETURN);
        assert_int_equal(n_finished, i);
        line_event_leave(&f.stack, &frame_a, i == 0 ? LINE_RETURN : LINE_UNWIND);
        assert_int_equal(n_finished, i + 1);
        assert_int_equal(finished_copy.entry_bytes, 1000 + 5 * i);
    }
    /* Two generators at once have a table each; a third ends unseen and is flushed. */
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_leave(&f.stack, &frame_a, LINE_YIELD);
    line_event_start(&f.stack, &f.code, &frame_b);
    line_event_leave(&f.stack, &frame_b, LINE_YIELD);
    memory = 9000;
    line_event_resume(&f.stack, &f.code, &frame_a, 11);
    memory += 3;
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(n_finished, 3);
    assert_int_equal(finished_copy.segments_bytes, 3);
    line_function_flush(f.function);
    assert_int_equal(n_finished, 4);
    assert_int_equal(finished_copy.segments_bytes, 0);
    tear_down(&f);
}

/* A gate so wide that nothing is read before the next audit. */
static void widen_gate(struct fixture *f)
{
    f->meter.gate.ticks = UINT64_MAX;
    f->meter.gate.stale_ticks = UINT64_MAX;
    f->stack.meter_threads[0].until_audit = METER_AUDIT_EVERY;
}

/* Events for which the clock was read: each has counted the audit down. */
static uint64_t events_seen(const struct fixture *f)
{
    return METER_AUDIT_EVERY - f->stack.meter_threads[0].until_audit;
}

static void test_a_quiet_exit_is_not_observed(void **state)
{
    struct fixture f;
    uint64_t seen;

    (void)state;
    set_up(&f, 0);
    widen_gate(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    line_event_line(&f.stack, 12);
    seen = events_seen(&f);
    line_event_leave_inert(&f.stack, LINE_YIELD, 12);
    assert_int_equal(events_seen(&f), seen);
    assert_int_equal(f.stack.depth, 0);
    /* The start of the first line of a call was not observed, so its end has to be. */
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    seen = events_seen(&f);
    line_event_leave_inert(&f.stack, LINE_RETURN, 11);
    assert_int_equal(events_seen(&f), seen + 1);
    /* Another line was the last to start: a jump came into the middle of this one. */
    line_event_resume(&f.stack, &f.code, &frame_a, 12);
    line_event_line(&f.stack, 13);
    seen = events_seen(&f);
    line_event_leave_inert(&f.stack, LINE_RETURN, 12);
    assert_int_equal(events_seen(&f), seen + 1);
    check_row(&f, 12, 0, 1);
    check_ledger(&f);
    tear_down(&f);
}

static void test_every_exit_is_read_where_the_gate_is_off(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 5);
    step(&f, 12, 7);
    line_event_leave_inert(&f.stack, LINE_RETURN, 12);
    check_row(&f, 12, 7, 1);
    check_ledger(&f);
    tear_down(&f);
}

/* A ledger can be asked for while calls run: they count up to the last line that was left. */
static void test_what_open_calls_recorded_is_known(void **state)
{
    struct fixture f;
    struct line_table *table;

    (void)state;
    set_up(&f, 0);
    table = f.function->table;
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 50);
    step(&f, 12, 7);
    line_event_start(&f.stack, &f.code, &frame_b); /* deeper */
    step(&f, 11, 5);
    step(&f, 12, 100);
    assert_int_equal(line_function_open_bytes(f.function), 62);
    assert_int_equal(line_table_sum(table), table->entry_bytes + table->segments_bytes + 62);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(line_function_open_bytes(f.function), 0);
    check_ledger(&f);
    tear_down(&f);
}

/* Frames at one depth are told once what holds for all: until that changes. */
static void test_a_change_between_two_calls_is_noticed(void **state)
{
    struct fixture f;
    struct line_profiler other;
    struct line_function *function;

    (void)state;
    set_up(&f, 0);
    for (int i = 0; i < 2; i++) {
        line_event_start(&f.stack, &f.code, &frame_a);
        line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    }
    line_watch_remove(line_watch_find(&f.code, &f.profiler));
    line_event_start(&f.stack, &f.code, &frame_a);
    assert_int_equal(f.stack.depth, 0);
    line_profiler_init(&other, &f.engine, 0);
    function = line_function_new(&other, 10, 6, 0);
    assert_int_equal(line_watch_add(function, &f.code, 1), 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    assert_int_equal(f.stack.depth, 0);
    for (int i = 0; i < 2; i++) {
        line_profiler_enable(&other);
        line_event_start(&f.stack, &f.code, &frame_a);
        assert_int_equal(f.stack.depth, 1);
        line_event_leave(&f.stack, &frame_a, LINE_RETURN);
        line_profiler_disable(&other);
        line_event_start(&f.stack, &f.code, &frame_a);
        assert_int_equal(f.stack.depth, 0);
    }
    check_row(&f, 10, 1000, 2);
    assert_int_equal(line_table_row(function->table, 10)->hits, 2);
    line_watch_remove(line_watch_find(&f.code, &other));
    line_profiler_clear(&other);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call),
        cmocka_unit_test(test_growth_between_calls_is_not_the_functions),
        cmocka_unit_test(test_recursion_is_counted_once),
        cmocka_unit_test(test_nested_code_fills_its_own_lines),
        cmocka_unit_test(test_suspension_is_left_out),
        cmocka_unit_test(test_lost_ends_are_found_again),
        cmocka_unit_test(test_deep_stacks_grow),
        cmocka_unit_test(test_two_profilers_share_a_code),
        cmocka_unit_test(test_a_profiler_joins_a_call_that_another_counts),
        cmocka_unit_test(test_growth_of_calls_that_no_other_function_made),
        cmocka_unit_test(test_a_table_per_call),
        cmocka_unit_test(test_a_quiet_exit_is_not_observed),
        cmocka_unit_test(test_every_exit_is_read_where_the_gate_is_off),
        cmocka_unit_test(test_what_open_calls_recorded_is_known),
        cmocka_unit_test(test_a_change_between_two_calls_is_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
