#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "memprof/machine/clock.h"
#include "memprof/lines/line_event.h"
#include "memprof/lines/line_lifetime.h"
#include "memprof/lines/line_pause.h"
#include "memprof/machine/hwm.h"
#include "memprof/machine/peak_meter.h"

/* A program whose memory, and the kernel's HWM of it, are whatever the test says. */
#define MARK_IS_OFF_BY 70
static int64_t memory, hwm;
static int hwm_error;

static void set_memory(int64_t bytes)
{
    memory = bytes;
    if (bytes + MARK_IS_OFF_BY > hwm)
        hwm = bytes + MARK_IS_OFF_BY;
}

static int read_memory(void *context, int64_t *bytes)
{
    (void)context;
    *bytes = memory;
    return 0;
}

static int read_hwm(void *context, int64_t *bytes)
{
    (void)context;
    *bytes = hwm;
    return hwm_error;
}

static int reset_hwm(void *context)
{
    (void)context;
    hwm = memory + MARK_IS_OFF_BY;
    return hwm_error;
}

struct fixture {
    struct meter meter;
    struct peak_meter peak;
    struct line_engine engine;
    struct line_profiler profiler;
    struct line_stack stack, other_stack;
    struct line_code code, inner_code;
    struct line_function *function, *inner;
};

static char frame_a, frame_b, frame_c; /* addresses of frames */

static void watch(struct fixture *f, struct line_function **function, struct line_code *code,
                  int first_line)
{
    *function = line_function_new(&f->profiler, first_line, 6, 0);
    assert_non_null(*function);
    (*function)->always_on = 1;
    code->first_line = first_line;
    assert_int_equal(line_watch_add(*function, code, 1), 0);
}

static void set_up(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->meter.read = read_memory;
    f->peak.read = read_hwm;
    f->peak.reset = reset_hwm;
    f->engine.meters[0] = &f->meter;
    f->engine.n_meters = 1;
    f->engine.peak = &f->peak;
    hwm = hwm_error = 0;
    set_memory(1000);
    line_profiler_init(&f->profiler, &f->engine, 0);
    f->profiler.measures = LINE_TIME | LINE_PEAK;
    watch(f, &f->function, &f->code, 10);
    watch(f, &f->inner, &f->inner_code, 20);
    assert_int_equal(line_stack_init(&f->stack, &f->engine, 4), 0);
    assert_int_equal(line_stack_init(&f->other_stack, &f->engine, 4), 0);
}

static void tear_down(struct fixture *f)
{
    line_code_forget(&f->code);
    line_code_forget(&f->inner_code);
    line_profiler_clear(&f->profiler);
    line_stack_release(&f->stack);
    line_stack_release(&f->other_stack);
}

static const struct line_row *row(const struct line_function *function, int line)
{
    return line_table_row(function->table, line);
}

/* What a line needs for a moment, and what it keeps. */
static void spike(int64_t moment, int64_t kept)
{
    int64_t before = memory;

    set_memory(before + moment);
    set_memory(before + kept);
}

static void test_a_transient_is_a_peak_of_its_line_alone(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    spike(500, 20);
    line_event_line(&f.stack, 12);
    line_event_line(&f.stack, 13);
    spike(30, -40);
    line_event_line(&f.stack, 14);
    spike(30, 30);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 11)->peak, 500);
    assert_int_equal(row(f.function, 11)->increment, 20);
    assert_int_equal(row(f.function, 12)->peak, 0);
    assert_int_equal(row(f.function, 13)->peak, 30);
    assert_int_equal(row(f.function, 14)->peak, 30);
    tear_down(&f);
}

static void test_the_hwm_is_set_back_only_where_it_could_hide_something(void **state)
{
    struct fixture f;
    uint64_t resets;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    resets = f.peak.resets;
    for (int i = 0; i < 10; i++)
        line_event_line(&f.stack, 11 + i % 3);
    assert_int_equal(f.peak.resets, resets);
    spike(0, -50);
    line_event_line(&f.stack, 12);
    assert_int_equal(f.peak.resets, resets + 1);
    spike(20, 0); /* below where the HWM was before */
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 12)->peak, 20);
    tear_down(&f);
}

static void test_a_jump_back_within_a_line_goes_on_with_its_peak(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    for (int i = 0; i < 10; i++) {
        spike(10, 10);
        line_event_line(&f.stack, 11);
    }
    line_event_line(&f.stack, 12);
    spike(5, 0);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 11)->hits, 11);
    assert_int_equal(row(f.function, 11)->peak, 100);
    assert_int_equal(row(f.function, 12)->peak, 5);
    tear_down(&f);
}

static void test_the_callers_line_includes_its_calls(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    spike(10, 10);
    line_event_start(&f.stack, &f.inner_code, &frame_b);
    line_event_line(&f.stack, 21);
    spike(200, 5);
    line_event_line(&f.stack, 22);
    spike(0, 0);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    line_event_line(&f.stack, 12);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.inner, 21)->peak, 200);
    assert_int_equal(row(f.inner, 22)->peak, 0);
    assert_int_equal(row(f.function, 11)->peak, 210);
    assert_int_equal(row(f.function, 12)->peak, 0);
    tear_down(&f);
}

static void test_a_recursive_line_ran_all_the_while(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    spike(5, 5);
    line_event_start(&f.stack, &f.code, &frame_b);
    line_event_line(&f.stack, 12);
    spike(100, 0);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 12)->peak, 100);
    assert_int_equal(row(f.function, 11)->peak, 105);
    tear_down(&f);
}

static void test_what_happens_during_suspension_is_no_peak(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    line_event_leave(&f.stack, &frame_a, LINE_YIELD);
    spike(900, 0);
    line_event_resume(&f.stack, &f.code, &frame_a, 11);
    spike(7, 0);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 11)->peak, 7);
    tear_down(&f);
}

static void test_a_line_of_another_thread_has_seen_it_too(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    line_event_start(&f.other_stack, &f.inner_code, &frame_c);
    line_event_line(&f.other_stack, 21);
    spike(300, 0);
    line_event_line(&f.other_stack, 22);
    line_event_line(&f.stack, 12);
    assert_int_equal(row(f.inner, 21)->peak, 300);
    assert_int_equal(row(f.function, 11)->peak, 300);
    tear_down(&f);
}

/* Greenlets: two stacks of frames take turns in one thread. */
static void test_what_happens_while_a_stack_waits_is_not_its_own(void **state)
{
    struct fixture f;
    const struct line_table *table;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    spike(500, 20);
    line_stack_pause(&f.stack);
    line_event_start(&f.other_stack, &f.inner_code, &frame_b);
    line_event_line(&f.other_stack, 21);
    spike(3000, 1000);
    line_stack_pause(&f.other_stack);
    line_stack_go_on(&f.stack);
    spike(30, 5);
    line_event_line(&f.stack, 12);
    spike(0, 7);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    line_stack_go_on(&f.other_stack);
    line_event_leave(&f.other_stack, &frame_b, LINE_RETURN);
    table = f.function->table;
    assert_int_equal(row(f.function, 11)->increment, 25);
    assert_int_equal(row(f.function, 11)->peak, 500);
    assert_int_equal(row(f.function, 12)->increment, 7);
    assert_int_equal(row(f.inner, 21)->increment, 1000);
    assert_int_equal(table->segments_bytes, 25 + 7);
    assert_int_equal(row(f.function, 10)->increment, table->entry_bytes);
    tear_down(&f);
}

static void test_a_hwm_that_fails_claims_nothing(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    spike(300, 40);
    hwm_error = -EACCES;
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    assert_int_equal(row(f.function, 11)->peak, 40);
    assert_int_equal(f.peak.error, -EACCES);
    tear_down(&f);
}

static void wait_ticks(uint64_t ticks)
{
    uint64_t start = clock_ticks();

    while (clock_ticks() - start < ticks)
        continue;
}

static void test_time_is_that_of_the_line(void **state)
{
    const uint64_t unit = 3000000; /* a millisecond or so */
    struct fixture f;

    (void)state;
    set_up(&f);
    line_event_start(&f.stack, &f.code, &frame_a);
    line_event_line(&f.stack, 11);
    wait_ticks(unit);
    line_event_start(&f.stack, &f.inner_code, &frame_b);
    line_event_line(&f.stack, 21);
    wait_ticks(2 * unit);
    line_event_leave(&f.stack, &frame_b, LINE_RETURN);
    line_event_leave(&f.stack, &frame_a, LINE_YIELD);
    wait_ticks(8 * unit);
    line_event_resume(&f.stack, &f.code, &frame_a, 12);
    wait_ticks(unit);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    /* At least what was waited; the order of what is nested holds however slow the machine is. */
    assert_true(row(f.inner, 21)->ticks >= 2 * unit);
    assert_true(row(f.function, 11)->ticks >= 3 * unit);
    assert_true(row(f.function, 11)->ticks > row(f.inner, 21)->ticks);
    assert_true(row(f.function, 12)->ticks >= unit);
    assert_int_equal(row(f.function, 13)->ticks, 0);
    tear_down(&f);
}

static int read_own_hwm(void *context, int64_t *bytes)
{
    return hwm_read(context, bytes);
}

static int reset_own_hwm(void *context)
{
    return hwm_reset(context);
}

/* A mapping of its own: what malloc() and sanitizers keep beside a block is not in it. */
static void touch(size_t size)
{
    volatile char *block =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(block != MAP_FAILED);
    for (size_t at = 0; at < size; at += 4096)
        block[at] = 1;
    munmap((void *)(uintptr_t)block, size);
}

static void test_the_kernels_hwm(void **state)
{
    const int64_t size = 64 << 20, slack = 4 * hwm_resolution();
    struct peak_meter peak = {.read = read_own_hwm, .reset = reset_own_hwm};
    struct hwm own;

    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* its shadow multiplies what a process holds: amounts mean nothing */
#endif
    if (hwm_init(&own) == -ENOSYS)
        skip(); /* this system cannot set its HWM back */
    peak.context = &own;
    peak_meter_take(&peak, 0);
    touch((size_t)size);
    assert_in_range(peak_meter_take(&peak, 0), size - slack, size + slack);
    assert_in_range(peak_meter_take(&peak, 0), 0, slack);
    hwm_release(&own);
}

static enum meter_rise latest_rise;

static void note_rise(struct meter *meter, enum meter_rise how)
{
    (void)meter;
    latest_rise = how;
}

static void test_a_height_is_known_to_be_of_a_line_or_of_none(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f);
    f.meter.rose = note_rise;
    spike(100, 0);
    line_event_start(&f.stack, &f.code, &frame_a); /* the first taking has nothing before it */
    line_event_line(&f.stack, 11);
    spike(500, 20);
    line_event_line(&f.stack, 12);
    assert_int_equal(latest_rise, METER_SINCE);
    assert_int_equal(f.meter.highest, 1500);
    set_memory(1600);
    line_event_line(&f.stack, 13);
    assert_int_equal(latest_rise, METER_NOW);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    spike(800, 0);
    line_event_start(&f.stack, &f.code, &frame_a);
    assert_int_equal(latest_rise, METER_OUTSIDE);
    assert_int_equal(f.meter.highest, 2400);
    line_event_leave(&f.stack, &frame_a, LINE_RETURN);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_transient_is_a_peak_of_its_line_alone),
        cmocka_unit_test(test_the_hwm_is_set_back_only_where_it_could_hide_something),
        cmocka_unit_test(test_a_jump_back_within_a_line_goes_on_with_its_peak),
        cmocka_unit_test(test_the_callers_line_includes_its_calls),
        cmocka_unit_test(test_a_recursive_line_ran_all_the_while),
        cmocka_unit_test(test_what_happens_during_suspension_is_no_peak),
        cmocka_unit_test(test_a_line_of_another_thread_has_seen_it_too),
        cmocka_unit_test(test_what_happens_while_a_stack_waits_is_not_its_own),
        cmocka_unit_test(test_a_hwm_that_fails_claims_nothing),
        cmocka_unit_test(test_time_is_that_of_the_line),
        cmocka_unit_test(test_the_kernels_hwm),
        cmocka_unit_test(test_a_height_is_known_to_be_of_a_line_or_of_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
