#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/child_wait.h"
#include "memprof/machine/clock.h"
#include "memprof/sampling/sampler.h"

#define MIB (INT64_C(1) << 20)
#define MS INT64_C(1000000)

static char path[] = "/tmp/test_sampler_XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* A child that follows orders: '+' holds 40 MiB more, '^' holds them for a moment, 'f' forks. */
struct puppet {
    pid_t pid;
    int order, answer;
};

static void *hold(void)
{
    void *block = mmap(NULL, 40 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (block == MAP_FAILED)
        _exit(1);
    memset(block, 1, 40 * MIB);
    return block;
}

static _Noreturn void obey(int order, int answer)
{
    char byte;

    while (read(order, &byte, 1) == 1) {
        if (byte == '+')
            hold();
        else if (byte == '^')
            munmap(hold(), 40 * MIB);
        else if (byte == 'f' && fork() == 0)
            pause();
        if (write(answer, &byte, 1) != 1)
            break;
    }
    kill(0, SIGKILL); /* its own group: the forked ones too */
    _exit(0);
}

static void puppet_start(struct puppet *puppet)
{
    int order[2], answer[2];

    assert_int_equal(pipe(order), 0);
    assert_int_equal(pipe(answer), 0);
    puppet->pid = fork();
    if (puppet->pid == 0) {
        close(order[1]);
        setpgid(0, 0);
        if (write(answer[1], "!", 1) != 1)
            _exit(1);
        obey(order[0], answer[1]);
    }
    close(order[0]);
    close(answer[1]);
    puppet->order = order[1];
    puppet->answer = answer[0];
    assert_int_equal(read(puppet->answer, order, 1), 1);
}

static void puppet_do(struct puppet *puppet, char order)
{
    char answer;

    assert_int_equal(write(puppet->order, &order, 1), 1);
    assert_int_equal(read(puppet->answer, &answer, 1), 1);
}

static void puppet_end(struct puppet *puppet)
{
    close(puppet->order);
    close(puppet->answer);
    waitpid(puppet->pid, NULL, 0);
}

struct fixture {
    struct puppet puppet;
    struct dat_writer writer;
    struct sampler sampler;
};

static void start(struct fixture *fixture, struct sampler_options options)
{
    options.root = fixture->puppet.pid;
    if (options.interval_ns == 0)
        options.interval_ns = 10 * MS;
    assert_int_equal(dat_writer_open(&fixture->writer, path, DAT_TRUNCATE, 4), 0);
    assert_int_equal(sampler_init(&fixture->sampler, &options, &fixture->writer), 0);
}

static void sample_for(struct fixture *fixture, int64_t duration_ns)
{
    int64_t end_ns = clock_monotonic_ns() + duration_ns;

    while (sampler_deadline(&fixture->sampler) < end_ns) {
        clock_sleep_until_ns(sampler_deadline(&fixture->sampler));
        sampler_step(&fixture->sampler);
    }
}

static void finish(struct fixture *fixture)
{
    sampler_finish(&fixture->sampler, -1);
    sampler_release(&fixture->sampler);
    dat_writer_release(&fixture->writer);
    puppet_end(&fixture->puppet);
}

/* How many lines begin with `keyword`, and the largest memory among them (field `field`). */
static int count_lines(const char *keyword, int field, double *largest)
{
    FILE *file = fopen(path, "r");
    char line[256];
    int count = 0;

    assert_non_null(file);
    *largest = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line;

        if (strncmp(line, keyword, strlen(keyword)) != 0 ||
            strchr(" /", line[strlen(keyword)]) == NULL)
            continue;
        for (int i = 0; i < field; i++)
            at = strchr(at, ' ') + 1;
        if (strtod(at, NULL) > *largest)
            *largest = strtod(at, NULL);
        count++;
    }
    fclose(file);
    return count;
}

/* The number behind `begin` in the file. */
static double number_behind(const char *begin)
{
    char text[1 << 14] = "", *found;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    found = strstr(text, begin);
    assert_non_null(found);
    return strtod(found + strlen(begin), NULL);
}

static void test_deadlines_are_absolute_and_missed_ones_skipped(void **state)
{
    struct fixture fixture;
    int64_t begin = clock_monotonic_ns(), deadlines;
    double largest;
    int count;

    (void)state;
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){0});
    sample_for(&fixture, 200 * MS);
    usleep(300000);
    sample_for(&fixture, 100 * MS);
    deadlines = (clock_monotonic_ns() - begin) / (10 * MS);
    count = (int)fixture.sampler.samples;
    /* Each of 60 deadlines, or more on a busy machine, was met or counted as missed; none was made
     * up for. */
    assert_in_range(count + fixture.sampler.missed, 59, deadlines + 1);
    assert_in_range(fixture.sampler.missed, 28, deadlines);
    finish(&fixture);
    assert_int_equal(count_lines("MEM", 1, &largest), count);
    assert_int_equal(count_lines("#MISSED", 1, &largest), 1);
}

/* A wake for the HWMs alone costs as much as a sample: once late, they come back to the samples.
 */
static void test_hwms_are_read_with_samples(void **state)
{
    struct fixture fixture;

    (void)state;
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){.interval_ns = 100 * MS});
    sample_for(&fixture, 50 * MS);
    usleep(130000);
    sampler_step(&fixture.sampler);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sampler_deadline(&fixture.sampler), fixture.sampler.sample_due_ns);
        assert_true(fixture.sampler.chore_due_ns <= clock_monotonic_ns() + 100 * MS);
        clock_sleep_until_ns(sampler_deadline(&fixture.sampler));
        sampler_step(&fixture.sampler);
    }
    finish(&fixture);
}

static void test_peak_between_samples_is_written(void **state)
{
    struct fixture fixture;
    double largest;

    (void)state;
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){0});
    sample_for(&fixture, 30 * MS);
    puppet_do(&fixture.puppet, '^');
    sample_for(&fixture, 30 * MS);
    finish(&fixture);
    count_lines("MEM", 1, &largest);
    assert_true(largest < 30);
    assert_true(count_lines("#PEAK", 1, &largest) >= 1);
    assert_true(largest > 39);
}

static void test_old_peak_of_an_attached_process_does_not_count(void **state)
{
    struct fixture fixture;
    double largest;

    (void)state;
    puppet_start(&fixture.puppet);
    puppet_do(&fixture.puppet, '^');
    start(&fixture, (struct sampler_options){.attached = 1});
    sample_for(&fixture, 30 * MS);
    finish(&fixture);
    count_lines("#PEAK", 1, &largest);
    assert_true(largest < 30);

    puppet_start(&fixture.puppet);
    puppet_do(&fixture.puppet, '^');
    start(&fixture, (struct sampler_options){.attached = 1});
    puppet_do(&fixture.puppet, '+');
    puppet_do(&fixture.puppet, '^');
    sample_for(&fixture, 30 * MS);
    finish(&fixture);
    count_lines("#PEAK", 1, &largest);
    assert_true(largest > 79);
}

static void test_spikes_are_those_of_each_interval(void **state)
{
    struct fixture fixture;
    double largest;

    (void)state;
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){.spikes = 1});
    sample_for(&fixture, 30 * MS);
    puppet_do(&fixture.puppet, '^');
    sample_for(&fixture, 30 * MS);
    finish(&fixture);
    assert_true(count_lines("#SPIKE", 1, &largest) >= 4);
    assert_true(largest > 39);
    assert_true(count_lines("#PEAK", 1, &largest) >= 1);
    assert_true(largest > 39);

    /* The HWM was set back: a later run over the same moments sees no spike. */
    puppet_start(&fixture.puppet);
    puppet_do(&fixture.puppet, '^');
    start(&fixture, (struct sampler_options){.spikes = 1});
    sample_for(&fixture, 5 * MS);
    sample_for(&fixture, 40 * MS);
    finish(&fixture);
    count_lines("#SPIKE", 1, &largest);
    assert_true(largest < 39);
}

/* Parts go with the samples, one by one, also of a sum; and there are none unasked. */
static void test_parts(void **state)
{
    struct fixture fixture;
    double largest, parts;

    (void)state;
    for (int sum = 0; sum < 2; sum++) {
        int count;

        puppet_start(&fixture.puppet);
        puppet_do(&fixture.puppet, '+');
        start(&fixture, (struct sampler_options){.sum = sum, .parts = 1});
        puppet_do(&fixture.puppet, 'f');
        sample_for(&fixture, 60 * MS);
        finish(&fixture);
        count = count_lines("MEM", 1, &largest);
        assert_int_equal(count_lines("#PARTS", 1, &parts), count);
        assert_true(count > 3 && parts == largest && largest > (sum ? 78 : 39));
    }
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){.sum = 1});
    sample_for(&fixture, 20 * MS);
    finish(&fixture);
    assert_int_equal(count_lines("#PARTS", 1, &parts), 0);
}

static void test_sum_and_each(void **state)
{
    struct fixture fixture;
    double children, sum;

    (void)state;
    puppet_start(&fixture.puppet);
    puppet_do(&fixture.puppet, '+');
    start(&fixture, (struct sampler_options){.sum = 1, .each = 1, .backend = MEM_RSS});
    puppet_do(&fixture.puppet, 'f');
    puppet_do(&fixture.puppet, 'f');
    sample_for(&fixture, 100 * MS);
    assert_int_equal(fixture.sampler.count, 3);
    finish(&fixture);
    assert_true(count_lines("CHLD", 2, &children) >= 10);
    count_lines("MEM", 1, &sum);
    assert_true(children > 39 && children < 60);
    assert_true(sum > 3 * 39);
}

static void test_shared_pages_are_counted_once_with_pss(void **state)
{
    struct fixture fixture;
    double sum;

    (void)state;
    puppet_start(&fixture.puppet);
    puppet_do(&fixture.puppet, '+');
    puppet_do(&fixture.puppet, 'f');
    puppet_do(&fixture.puppet, 'f');
    start(&fixture, (struct sampler_options){.sum = 1, .backend = MEM_PSS});
    sample_for(&fixture, 60 * MS);
    assert_int_equal(fixture.sampler.count, 3);
    finish(&fixture);
    count_lines("MEM", 1, &sum);
    assert_true(sum > 39 && sum < 60);
    assert_int_equal(count_lines("#PEAK", 1, &sum), 0);
}

static void test_step_of_the_wall_clock_is_noted(void **state)
{
    struct fixture fixture;
    int64_t now_ns, wall_ns;
    double largest;

    (void)state;
    puppet_start(&fixture.puppet);
    start(&fixture, (struct sampler_options){0});
    sampler_step(&fixture.sampler);
    now_ns = fixture.sampler.start_ns;
    wall_ns = fixture.sampler.start_wall_ns;
    /* Slewing is no step, nor is what is left after one. */
    sampler_check_clock(&fixture.sampler, now_ns + 1000 * MS, wall_ns + 1001 * MS);
    sampler_check_clock(&fixture.sampler, now_ns + 2000 * MS, wall_ns + 2000 * MS + 3600000 * MS);
    sampler_check_clock(&fixture.sampler, now_ns + 3000 * MS, wall_ns + 3000 * MS + 3600000 * MS);
    finish(&fixture);
    assert_int_equal(count_lines("#STEP", 1, &largest), 1);
    assert_true(number_behind("#STEP/") > 3599 && number_behind("#STEP/") < 3601);
    assert_true(largest > 0.1); /* what the process held then */
}

static void test_watch_wakes_at_the_end_of_any_process(void **state)
{
    struct child_wait watch;
    struct puppet puppet;
    sigset_t signals;
    int64_t begin_ns;

    (void)state;
    sigemptyset(&signals);
    puppet_start(&puppet);
    assert_int_equal(child_wait_init(&watch, puppet.pid, &signals, -1), 0);
    begin_ns = clock_monotonic_ns();
    assert_int_equal(child_wait_next(&watch, begin_ns + 30 * MS), 0);
    assert_true(clock_monotonic_ns() >= begin_ns + 30 * MS);
    kill(puppet.pid, SIGKILL);
    assert_int_equal(child_wait_next(&watch, INT64_MAX), CHILD_WAIT_END);
    child_wait_release(&watch);
    puppet_end(&puppet);
    assert_int_equal(child_wait_init(&watch, puppet.pid, &signals, -1), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines_are_absolute_and_missed_ones_skipped),
        cmocka_unit_test(test_hwms_are_read_with_samples),
        cmocka_unit_test(test_peak_between_samples_is_written),
        cmocka_unit_test(test_old_peak_of_an_attached_process_does_not_count),
        cmocka_unit_test(test_spikes_are_those_of_each_interval),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_sum_and_each),
        cmocka_unit_test(test_shared_pages_are_counted_once_with_pss),
        cmocka_unit_test(test_step_of_the_wall_clock_is_noted),
        cmocka_unit_test(test_watch_wakes_at_the_end_of_any_process),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
