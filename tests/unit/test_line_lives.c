/* What points at each other, profiler, function and code, may go in any order. */
#include "line_fixture.h"

static int n_forgotten;
static struct line_code *last_unwatched;

static void count_forgotten(struct line_function *function)
{
    (void)function;
    n_forgotten++;
}

static void remember_unwatched(struct line_code *code)
{
    last_unwatched = code;
}

static void set_up_lives(struct fixture *f, int per_call)
{
    set_up(f, per_call);
    f->profiler.forgotten = count_forgotten;
    f->profiler.unwatched = remember_unwatched;
    n_forgotten = 0;
    last_unwatched = NULL;
}

/* Whichever goes first, profiler or code, leaves nothing behind that points at it. */
static void test_the_profiler_goes_before_its_code(void **state)
{
    struct fixture f;

    (void)state;
    set_up_lives(&f, 0);
    line_profiler_clear(&f.profiler);
    assert_null(f.code.watches);
    assert_null(f.nested.watches);
    assert_ptr_equal(last_unwatched, &f.code);
    assert_int_equal(n_forgotten, 1);
    line_event_start(&f.stack, &f.code, &frame_a);
    assert_int_equal(f.stack.depth, 0);
    line_code_forget(&f.code);
    tear_down(&f);
}

static void test_code_goes_before_its_profiler(void **state)
{
    struct fixture f;

    (void)state;
    set_up_lives(&f, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 7);
    line_code_forget(&f.code); /* its frame ended and nobody saw it */
    assert_int_equal(f.stack.depth, 0);
    assert_ptr_equal(last_unwatched, &f.code);
    assert_int_equal(n_forgotten, 0);
    check_row(&f, 11, 7, 1);
    check_ledger(&f);
    line_event_start(&f.stack, &f.nested, &frame_b);
    assert_int_equal(f.stack.depth, 1);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    tear_down(&f);
    assert_int_equal(n_forgotten, 1);
}

/* One that prints its calls is gone with the last of its code, and hands over what is left. */
static void test_a_function_goes_with_the_last_of_its_code(void **state)
{
    struct fixture f;
    struct line_code other = {.first_line = 30};
    struct line_function *second;

    (void)state;
    set_up_lives(&f, 1);
    second = line_function_new(&f.profiler, 30, 2, 1);
    assert_non_null(second);
    assert_int_equal(line_watch_add(second, &other, 1), 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    step(&f, 11, 7);
    line_event_leave(&f.stack, &frame_a, LINE_YIELD);
    line_code_forget(&f.nested);
    assert_int_equal(n_forgotten, 0);
    line_code_forget(&f.code);
    assert_int_equal(n_forgotten, 1);
    assert_int_equal(n_finished, 1);
    assert_int_equal(f.profiler.n_functions, 1);
    assert_ptr_equal(f.profiler.functions[0], second);
    assert_int_equal(second->index, 0);
    line_code_forget(&other);
    assert_int_equal(f.profiler.n_functions, 0);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_profiler_goes_before_its_code),
        cmocka_unit_test(test_code_goes_before_its_profiler),
        cmocka_unit_test(test_a_function_goes_with_the_last_of_its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
