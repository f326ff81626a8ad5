#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "memprof/machine/gate.h"
#include "memprof/machine/meter.h"

static int64_t memory;
static int n_reads, fail_with;

static int read_memory(void *context, int64_t *bytes)
{
    (void)context;
    n_reads++;
    *bytes = memory;
    return fail_with;
}

static struct meter new_meter(uint64_t gate_ticks)
{
    struct meter meter = {.read = read_memory};

    meter.gate.ticks = gate_ticks;
    meter.gate.stale_ticks = UINT64_MAX;
    meter.gate.ticks_per_second = 1e9;
    memory = 100;
    n_reads = fail_with = 0;
    return meter;
}

static void test_calibration_is_credible_or_off(void **state)
{
    struct gate gate;

    (void)state;
    gate_calibrate(&gate);
    if (gate.ticks == 0) {
        assert_non_null(gate.why_off);
        return;
    }
    assert_null(gate.why_off);
    assert_true(gate_nanoseconds(&gate) >= 50 && gate_nanoseconds(&gate) <= 50000);
    assert_true(gate.stale_ticks > gate.ticks);
}

static void test_off_says_why(void **state)
{
    struct gate gate;

    (void)state;
    gate_off(&gate, "because");
    assert_string_equal(gate.why_off, "because");
    assert_true(gate_nanoseconds(&gate) == 0);
}

static void test_without_a_gate_every_event_reads(void **state)
{
    struct meter meter = new_meter(0);
    struct meter_thread thread = {0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        memory = i;
        assert_int_equal(meter_observe(&meter, &thread), i);
    }
    assert_int_equal(n_reads, 10);
    assert_int_equal(meter.skips, 0);
}

static void test_a_wide_gate_skips_but_audits(void **state)
{
    struct meter meter = new_meter(UINT64_MAX / 4);
    struct meter_thread thread = {.last_event = clock_ticks()};

    (void)state;
    thread.until_audit = METER_AUDIT_EVERY;
    thread.last_read = thread.last_event;
    thread.bytes = 100;
    for (int i = 0; i < METER_AUDIT_EVERY - 1; i++)
        assert_int_equal(meter_observe(&meter, &thread), 100);
    assert_int_equal(n_reads, 0);
    memory = 140; /* changed within the gate */
    assert_int_equal(meter_observe(&meter, &thread), 140);
    assert_int_equal(n_reads, 1);
    assert_int_equal(meter.skips, METER_AUDIT_EVERY - 1);
    assert_int_equal(meter.gate_misses, 1);
    assert_true(meter.gate.ticks == UINT64_MAX / 8); /* halved */
}

static void test_a_stale_reading_is_taken_again(void **state)
{
    struct meter meter = new_meter(UINT64_MAX / 4);
    struct meter_thread thread = {0};

    (void)state;
    meter.gate.stale_ticks = 0;
    for (int i = 0; i < 5; i++)
        meter_observe(&meter, &thread);
    assert_int_equal(n_reads, 5);
}

static void test_what_the_tool_grew_is_taken_out(void **state)
{
    struct meter meter = new_meter(0);
    struct meter_thread thread = {0};
    int64_t before;

    (void)state;
    assert_int_equal(meter_observe(&meter, &thread), 100);
    before = meter_tool_begin(&meter);
    memory += 4096;
    meter_tool_end(&meter, before, 4096);
    assert_int_equal(meter.tool_bytes, 4096);
    assert_int_equal(meter_observe(&meter, &thread), 100);
}

static void *wait_for_a_line(void *fd)
{
    char byte;

    return read(*(int *)fd, &byte, 1) == 1 ? NULL : fd;
}

/* Beside another thread the tool takes no more than it asked for: the rest is that thread's. */
static void test_what_others_grew_meanwhile_is_theirs(void **state)
{
    struct meter meter = new_meter(0);
    struct meter_thread thread = {0};
    int fds[2];
    pthread_t other;
    int64_t before;
    void *failed;

    (void)state;
    assert_int_equal(meter_observe(&meter, &thread), 100);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pthread_create(&other, NULL, wait_for_a_line, &fds[0]), 0);
    before = meter_tool_begin(&meter);
    memory += 100 << 20;
    meter_tool_end(&meter, before, 4096);
    assert_in_range(meter.tool_bytes, 4096, 4096 + (64 << 10));
    before = meter_tool_begin(&meter);
    memory -= 50 << 20;
    meter_tool_end(&meter, before, 4096);
    assert_in_range(meter.tool_bytes, 4096, 4096 + (64 << 10));
    assert_int_equal(write(fds[1], "\n", 1), 1);
    assert_int_equal(pthread_join(other, &failed), 0);
    assert_null(failed);
    close(fds[0]);
    close(fds[1]);
}

static void test_a_failed_reading_is_remembered_not_invented(void **state)
{
    struct meter meter = new_meter(0);
    struct meter_thread thread = {0};

    (void)state;
    assert_int_equal(meter_observe(&meter, &thread), 100);
    fail_with = -5;
    memory = 777;
    assert_int_equal(meter_observe(&meter, &thread), 100);
    assert_int_equal(meter.last_error, -5);
}

static int64_t rises[4];
static int n_rises;

static void note_rise(struct meter *meter, enum meter_rise how)
{
    assert_int_equal(*(int *)meter->listener, 42);
    assert_int_equal(how, n_rises == 2 ? METER_SINCE : METER_NOW);
    rises[n_rises++] = meter->highest;
}

static void test_rises_above_all_before_are_told(void **state)
{
    struct meter meter = new_meter(0);
    struct meter_thread thread = {0};
    const int64_t readings[] = {1000, 900, 1000, 1200};
    int listener = 42;

    (void)state;
    n_rises = 0;
    meter.listener = &listener;
    meter.rose = note_rise;
    for (int i = 0; i < 4; i++) {
        memory = readings[i];
        meter_observe(&meter, &thread);
    }
    meter_saw(&meter, 1300, METER_SINCE);
    meter_saw(&meter, 1300, METER_SINCE);
    assert_int_equal(n_rises, 3);
    assert_int_equal(rises[0], 1000);
    assert_int_equal(rises[1], 1200);
    assert_int_equal(rises[2], 1300);
    assert_int_equal(meter.highest, 1300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calibration_is_credible_or_off),
        cmocka_unit_test(test_off_says_why),
        cmocka_unit_test(test_without_a_gate_every_event_reads),
        cmocka_unit_test(test_a_wide_gate_skips_but_audits),
        cmocka_unit_test(test_a_stale_reading_is_taken_again),
        cmocka_unit_test(test_what_the_tool_grew_is_taken_out),
        cmocka_unit_test(test_what_others_grew_meanwhile_is_theirs),
        cmocka_unit_test(test_a_failed_reading_is_remembered_not_invented),
        cmocka_unit_test(test_rises_above_all_before_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
