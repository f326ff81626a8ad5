#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/process.h"
#include "memprof/sampling/sample_target.h"

#define MIB (INT64_C(1) << 20)

static struct process_id id_of(pid_t pid)
{
    struct process_info info;

    assert_int_equal(process_read(pid, &info), 0);
    return (struct process_id){.pid = pid, .start = info.start};
}

/* This process as a target; `most` descriptors may be kept. */
static void start(struct sample_target *target, struct reader_budget *budget, size_t most)
{
    *budget = (struct reader_budget){.most = most};
    sample_target_init(target, id_of(getpid()), MEM_RSS);
    assert_int_equal(sample_target_open(target, budget), 0);
}

static void hold_for_a_moment(void)
{
    const size_t size = 64 * MIB;
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(block != MAP_FAILED);
    memset(block, 1, size);
    munmap(block, size);
}

static void test_a_descriptor_is_kept_where_one_may_be(void **state)
{
    struct sample_target target;
    struct reader_budget budget;

    (void)state;
    for (size_t most = 0; most < 2; most++) {
        start(&target, &budget, most);
        assert_int_equal(budget.kept, most);
        assert_int_equal(sample_target_read(&target, 7, &budget), 0);
        assert_true(target.last > MIB);
        assert_int_equal(target.largest, target.last);
        assert_int_equal(target.largest_ns, 7);
        assert_int_equal(budget.kept, most);
        sample_target_end(&target, &budget);
        sample_target_end(&target, &budget);
        assert_int_equal(budget.kept, 0);
    }
}

static void test_a_process_that_is_gone_is_said_to_be(void **state)
{
    struct reader_budget budget = {.most = 1};
    struct sample_target target;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        pause();
        _exit(0);
    }
    sample_target_init(&target, id_of(pid), MEM_RSS);
    assert_int_equal(sample_target_open(&target, &budget), 0);
    assert_int_equal(sample_target_read(&target, 1, &budget), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(sample_target_read(&target, 2, &budget), -ESRCH);
    assert_int_equal(target.error, -ESRCH);
    assert_int_equal(target.largest_ns, 1);
    sample_target_end(&target, &budget);
    assert_int_equal(budget.kept, 0);
}

static void test_a_peak_is_told_once(void **state)
{
    int64_t bytes, when_ns, largest;
    struct reader_budget budget;
    struct sample_target target;

    (void)state;
    start(&target, &budget, 1);
    sample_target_keep_hwm_open(&target);
    assert_true(target.hwm_fd >= 0);
    assert_int_equal(sample_target_peak(&target, &bytes, &when_ns), 0); /* nothing is known */
    assert_int_equal(sample_target_read(&target, 1, &budget), 0);
    largest = target.largest;
    hold_for_a_moment();
    assert_int_equal(sample_target_read_hwm(&target, 2), 1);
    assert_int_equal(sample_target_peak(&target, &bytes, &when_ns), 1);
    assert_true(bytes > largest + 60 * MIB);
    assert_int_equal(when_ns, 2);
    assert_int_equal(sample_target_read_hwm(&target, 3), 0);
    assert_int_equal(sample_target_peak(&target, &bytes, &when_ns), 0);

    sample_target_raise_hwm(&target, target.hwm - 1, 4);
    assert_int_equal(sample_target_peak(&target, &bytes, &when_ns), 0);
    sample_target_raise_hwm(&target, target.hwm + 1, 5);
    assert_int_equal(sample_target_peak(&target, &bytes, &when_ns), 1);
    assert_int_equal(when_ns, 5);
    sample_target_end(&target, &budget);
    assert_int_equal(sample_target_read_hwm(&target, 6), 0);
}

static void test_a_hwm_of_before_counts_once_it_has_risen(void **state)
{
    struct reader_budget budget;
    struct sample_target target;

    (void)state;
    hold_for_a_moment();
    start(&target, &budget, 1);
    sample_target_ignore_hwm(&target);
    assert_true(target.old_hwm > 60 * MIB);
    assert_int_equal(sample_target_read_hwm(&target, 1), 0);
    assert_int_equal(target.hwm, -1);
    sample_target_end(&target, &budget);
}

static void test_a_spike_needs_a_sample_before_it(void **state)
{
    struct reader_budget budget;
    struct sample_target target;
    int64_t spike;

    (void)state;
    start(&target, &budget, 1);
    (void)sample_target_read_spike(&target, 1, &spike);
    assert_int_equal(spike, -1);
    assert_int_equal(sample_target_read(&target, 1, &budget), 0);
    hold_for_a_moment();
    (void)sample_target_read_spike(&target, 2, &spike);
    assert_true(spike > target.last + 60 * MIB);
    (void)sample_target_read_spike(&target, 3, &spike);
    assert_true(spike < target.last + 60 * MIB); /* the HWM was set back */
    sample_target_end(&target, &budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_is_kept_where_one_may_be),
        cmocka_unit_test(test_a_process_that_is_gone_is_said_to_be),
        cmocka_unit_test(test_a_peak_is_told_once),
        cmocka_unit_test(test_a_hwm_of_before_counts_once_it_has_risen),
        cmocka_unit_test(test_a_spike_needs_a_sample_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
