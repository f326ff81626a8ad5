#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/clock.h"
#include "memprof/sampling/self_sampler.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MIB (INT64_C(1) << 20)
#define MS INT64_C(1000000)

/* By the kernel, not by a write: a sanitizer would shadow that. */
static void *hold(int64_t bytes)
{
    void *block =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(block, MAP_FAILED);
    if (madvise(block, (size_t)bytes, MADV_POPULATE_WRITE) != 0)
        memset(block, 1, (size_t)bytes);
    return block;
}

static int64_t slack(void)
{
    return 2 * mem_resolution() + MIB;
}

static void sleep_ms(int64_t ms)
{
    int64_t end = clock_monotonic_ns() + ms * MS;

    while (clock_sleep_until_ns(end) == -EINTR)
        continue;
}

static struct self_sampler *start(struct usage_options options)
{
    struct self_sampler *sampler;

    assert_int_equal(self_sampler_start(&sampler, &options), 0);
    return sampler;
}

static void test_before_and_after(void **state)
{
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = 3600000 * MS});
    void *block = hold(50 * MIB);
    struct self_sample *samples;
    size_t count;

    (void)state;
    assert_int_equal(self_sampler_stop(sampler), 0);
    samples = self_sampler_take(sampler, &count);
    assert_int_equal(count, 2);
    assert_true(samples[1].bytes - samples[0].bytes > 50 * MIB - slack());
    assert_true(samples[1].bytes - samples[0].bytes < 50 * MIB + slack());
    assert_true(samples[1].wall_ns >= samples[0].wall_ns);
    munmap(block, (size_t)(50 * MIB));
    free(samples);
    self_sampler_free(sampler);
}

/* What rises and falls between two readings is one more, where the HWM shows it. */
static void test_a_spike_between_two_readings_is_one_more(void **state)
{
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = 3600000 * MS});
    struct self_sample *samples;
    size_t count;

    (void)state;
    munmap(hold(300 * MIB), (size_t)(300 * MIB));
    assert_int_equal(self_sampler_stop(sampler), 0);
    samples = self_sampler_take(sampler, &count);
    assert_int_equal(count, 3);
    assert_true(samples[1].bytes - samples[0].bytes > 300 * MIB - slack());
    assert_true(samples[1].bytes - samples[0].bytes < 300 * MIB + slack());
    assert_true(samples[2].bytes - samples[0].bytes < slack());
    assert_true(samples[0].wall_ns <= samples[1].wall_ns &&
                samples[1].wall_ns <= samples[2].wall_ns);
    free(samples);
    self_sampler_free(sampler);
}

/* The HWM never falls: a lower spike afterwards is not seen by it. */
static void test_a_lower_spike_adds_nothing(void **state)
{
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = 3600000 * MS});
    struct self_sample *samples;
    size_t count;

    (void)state;
    munmap(hold(100 * MIB), (size_t)(100 * MIB));
    assert_int_equal(self_sampler_stop(sampler), 0);
    samples = self_sampler_take(sampler, &count);
    assert_int_equal(count, 2);
    free(samples);
    self_sampler_free(sampler);
}

/* How many readings more than were asked for while 100 times 3 MiB are taken. */
static int added_by_growth(int64_t interval_ns, int64_t pause_ms)
{
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = interval_ns});
    struct self_sample *samples;
    size_t count;

    for (int i = 0; i < 100; i++) {
        hold(3 * MIB);
        if (pause_ms > 0)
            sleep_ms(pause_ms);
    }
    assert_int_equal(self_sampler_stop(sampler), 0);
    samples = self_sampler_take(sampler, &count);
    free(samples);
    return (int)(count - self_sampler_taken(sampler));
}

/* Growth is in the readings: however fast, none is added. */
static void test_steady_growth_adds_no_reading(void **state)
{
    static const int64_t intervals[] = {MS, 20 * MS, 100 * MS, 3600000 * MS};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof intervals / sizeof intervals[0]; i++) {
        /* In a process of its own: its HWM is not above it from before. */
        pid_t pid = fork();
        int status;

        if (pid == 0)
            _exit(added_by_growth(intervals[i / 2], i % 2 == 0 ? 0 : 3));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void test_deadlines_are_absolute(void **state)
{
    int64_t begin = clock_monotonic_ns(), took;
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = MS});
    struct self_sample *samples;
    size_t count;

    (void)state;
    sleep_ms(300);
    self_sampler_stop(sampler);
    took = clock_monotonic_ns() - begin;
    samples = self_sampler_take(sampler, &count);
    /* Never more than the deadlines; a busy machine may miss most. */
    assert_in_range(count, 3, took / MS + 4);
    assert_true(samples[count - 1].wall_ns - samples[0].wall_ns >= 290 * MS);
    free(samples);
    self_sampler_free(sampler);
}

static void test_hwm_sees_a_spike(void **state)
{
    struct usage_options options = {.interval_ns = 3600000 * MS, .peak_only = 1};
    struct self_sample *samples;
    struct self_sampler *sampler;
    int64_t hwm, now;
    struct mem_reader reader;
    size_t count;
    void *block;

    (void)state;
    mem_reader_init(&reader, 0, MEM_RSS);
    mem_reader_read(&reader, &now);
    mem_peak_read(getpid(), &hwm);
    /* Above whatever the process has held before. */
    sampler = start(options);
    block = hold(hwm - now + 80 * MIB);
    munmap(block, (size_t)(hwm - now + 80 * MIB));
    self_sampler_stop(sampler);
    samples = self_sampler_take(sampler, &count);
    assert_int_equal(count, 1);
    assert_true(samples[0].bytes > hwm + 80 * MIB - slack());
    free(samples);
    self_sampler_free(sampler);

    /* An old HWM is not this call's. */
    sampler = start(options);
    self_sampler_stop(sampler);
    samples = self_sampler_take(sampler, &count);
    assert_true(samples[0].bytes < now + 20 * MIB);
    free(samples);
    self_sampler_free(sampler);
    mem_reader_release(&reader);
}

static void test_children_are_added(void **state)
{
    struct usage_options options = {
        .interval_ns = 3600000 * MS, .include_children = 1, .each_child = 1};
    struct self_sampler *sampler = start(options);
    struct self_sample *samples;
    int order[2], done[2];
    size_t count;
    char byte = 0;
    pid_t child;

    (void)state;
    self_sampler_pause(sampler);
    assert_int_equal(pipe(order) | pipe(done), 0);
    child = fork();
    if (child == 0) {
        memset(mmap(NULL, 40 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1,
               40 << 20);
        _exit(write(done[1], "x", 1) != 1 || read(order[0], &byte, 1) < 0);
    }
    assert_int_equal(self_sampler_resume(sampler), 0);
    assert_int_equal(read(done[0], &byte, 1), 1);
    self_sampler_stop(sampler);
    samples = self_sampler_take(sampler, &count);
    assert_int_equal(count, 3);
    assert_true(samples[1].bytes - samples[0].bytes > 40 * MIB - slack());
    assert_int_equal(samples[1].child, 0);
    assert_int_equal(samples[2].child, child);
    assert_true(samples[2].bytes > 40 * MIB - slack());
    assert_true(samples[2].wall_ns == samples[1].wall_ns);
    free(samples);
    assert_int_equal(write(order[1], "x", 1), 1);
    waitpid(child, NULL, 0);
    self_sampler_free(sampler);
}

static void test_pause_leaves_no_thread(void **state)
{
    int before = mem_thread_count();
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = MS});
    size_t taken;

    (void)state;
    assert_int_equal(mem_thread_count(), before + 1);
    self_sampler_pause(sampler);
    assert_int_equal(mem_thread_count(), before);
    taken = self_sampler_taken(sampler);
    /* Longer, where the machine is busy. */
    for (int64_t ms = 50; ms < 60000 && self_sampler_taken(sampler) <= taken + 5; ms *= 2) {
        assert_int_equal(self_sampler_resume(sampler), 0);
        sleep_ms(ms);
        self_sampler_pause(sampler);
    }
    assert_true(self_sampler_taken(sampler) > taken + 5);
    self_sampler_abandon(sampler);
    assert_int_equal(self_sampler_resume(sampler), 0);
    assert_int_equal(mem_thread_count(), before);
    self_sampler_stop(sampler);
    self_sampler_free(sampler);
}

static void test_samples_are_taken_while_it_runs(void **state)
{
    struct self_sampler *sampler = start((struct usage_options){.interval_ns = MS});
    struct self_sample *samples;
    size_t count, sum = 0;
    int64_t last_ns = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        if (i == 19)
            self_sampler_stop(sampler);
        else
            sleep_ms(5);
        samples = self_sampler_take(sampler, &count);
        for (size_t j = 0; j < count; j++) {
            assert_true(samples[j].wall_ns >= last_ns);
            last_ns = samples[j].wall_ns;
        }
        sum += count;
        free(samples);
    }
    assert_int_equal(sum, self_sampler_taken(sampler));
    assert_null(self_sampler_take(sampler, &count));
    assert_int_equal(count, 0);
    self_sampler_free(sampler);
}

static void test_timeout_ends_the_readings(void **state)
{
    struct self_sampler *sampler =
        start((struct usage_options){.interval_ns = MS, .timeout_ns = 10 * MS});
    size_t count;

    (void)state;
    sleep_ms(100);
    self_sampler_stop(sampler);
    free(self_sampler_take(sampler, &count));
    assert_in_range(count, 3, 12);
    self_sampler_free(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_and_after),
        cmocka_unit_test(test_a_spike_between_two_readings_is_one_more),
        cmocka_unit_test(test_a_lower_spike_adds_nothing),
        cmocka_unit_test(test_steady_growth_adds_no_reading),
        cmocka_unit_test(test_deadlines_are_absolute),
        cmocka_unit_test(test_hwm_sees_a_spike),
        cmocka_unit_test(test_children_are_added),
        cmocka_unit_test(test_pause_leaves_no_thread),
        cmocka_unit_test(test_samples_are_taken_while_it_runs),
        cmocka_unit_test(test_timeout_ends_the_readings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
