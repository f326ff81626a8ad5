#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memprof/profile/sample_buckets.h"

static const struct sample_window everything = {-INFINITY, INFINITY};

/* Noise that is the same in every run. */
static double noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 24);
}

struct run {
    struct profile_samples all, thin;
};

static void set_up(struct run *run, size_t count, const struct sample_window *window, uint32_t seed)
{
    double moment = 1000;

    memset(run, 0, sizeof *run);
    for (size_t i = 0; i < count; i++) {
        double memory = 100 + 50 * noise(&seed) + (i == count / 3 ? 1000 : 0);

        moment += noise(&seed) * (i % 1000 == 0 ? 10 : 0.01);
        assert_int_equal(profile_samples_add(&run->all, memory, moment), 0);
        assert_int_equal(sample_buckets_add(&run->thin, window, memory, moment), 0);
    }
    if (run->thin.buckets != NULL)
        sample_buckets_expand(&run->thin);
}

static void tear_down(struct run *run)
{
    profile_samples_release(&run->all);
    profile_samples_release(&run->thin);
}

/* The least and the most within `buckets` equal parts of the time. */
static void extremes(const struct profile_samples *samples, double begin, double width,
                     size_t buckets, double *least, double *most)
{
    for (size_t i = 0; i < buckets; i++) {
        least[i] = INFINITY;
        most[i] = -INFINITY;
    }
    for (size_t i = 0; i < samples->count; i++) {
        double place = (samples->at[i].moment - begin) / width;

        if (place < 0 || place >= (double)buckets)
            continue;
        least[(size_t)place] = fmin(least[(size_t)place], samples->at[i].memory);
        most[(size_t)place] = fmax(most[(size_t)place], samples->at[i].memory);
    }
}

static void test_short_runs_are_kept_whole(void **state)
{
    struct run run;

    (void)state;
    set_up(&run, SAMPLE_BUCKETS_FROM - 1, &everything, 1);
    assert_null(run.thin.buckets);
    assert_int_equal(run.thin.count, run.all.count);
    assert_memory_equal(run.thin.at, run.all.at, run.all.count * sizeof *run.all.at);
    tear_down(&run);
}

static void test_the_picture_is_that_of_all_samples(void **state)
{
    enum { N = 512 };
    double least[2][N], most[2][N];
    struct run run;

    (void)state;
    for (uint32_t seed = 0; seed < 5; seed++) {
        const struct sample_buckets *buckets;

        set_up(&run, SAMPLE_BUCKETS_FROM * (seed + 1) + 77 * seed, &everything, seed);
        buckets = run.thin.buckets;
        assert_non_null(buckets);
        assert_true(run.thin.count <= 4 * SAMPLE_BUCKETS);
        assert_int_equal(run.thin.seen, run.all.seen);
        /* Where pixels are whole buckets the extremes are the very same. */
        extremes(&run.all, buckets->begin, buckets->width * (SAMPLE_BUCKETS / N), N, least[0],
                 most[0]);
        extremes(&run.thin, buckets->begin, buckets->width * (SAMPLE_BUCKETS / N), N, least[1],
                 most[1]);
        for (size_t i = 0; i < N; i++) {
            assert_true(least[0][i] == least[1][i]);
            assert_true(most[0][i] == most[1][i]);
        }
        assert_true(run.thin.at[0].moment == run.all.at[0].moment);
        assert_true(run.thin.at[run.thin.count - 1].moment == run.all.at[run.all.count - 1].moment);
        for (size_t i = 1; i < run.thin.count; i++)
            assert_true(run.thin.at[i - 1].moment <= run.thin.at[i].moment);
        tear_down(&run);
    }
}

static void test_sums_and_counts_are_all_there(void **state)
{
    double sum = 0, kept = 0;
    uint64_t count = 0;
    struct run run;

    (void)state;
    set_up(&run, 3 * SAMPLE_BUCKETS_FROM, &everything, 9);
    for (size_t i = 0; i < run.all.count; i++)
        sum += run.all.at[i].memory;
    for (size_t i = 0; i < SAMPLE_BUCKETS; i++) {
        kept += run.thin.buckets->at[i].sum;
        count += run.thin.buckets->at[i].count;
    }
    assert_int_equal(count, run.all.count);
    assert_true(fabs(kept - sum) < 1e-6 * sum);
    tear_down(&run);
}

static void test_a_window_has_all_buckets_for_itself(void **state)
{
    const struct sample_window window = {1050, 1060};
    double most = -INFINITY;
    struct run run;

    (void)state;
    set_up(&run, 3 * SAMPLE_BUCKETS_FROM, &window, 4);
    assert_true(run.thin.buckets->begin >= window.begin);
    assert_true(run.thin.buckets->width * SAMPLE_BUCKETS <= 2 * (window.end - window.begin));
    assert_true(run.thin.buckets->before.count > 0 && run.thin.buckets->after.count > 0);
    for (size_t i = 0; i < run.thin.count; i++)
        most = fmax(most, run.thin.at[i].memory);
    assert_true(most > 1000); /* the peak of the whole run, outside of the window */
    tear_down(&run);
}

static void test_odd_moments_do_no_harm(void **state)
{
    const double moments[] = {0, 1e15, -1e15, 5, 1e-9};
    struct profile_samples samples = {0};

    (void)state;
    for (size_t i = 0; i < 2 * SAMPLE_BUCKETS_FROM; i++)
        assert_int_equal(sample_buckets_add(&samples, &everything, (double)i, moments[i % 5]), 0);
    sample_buckets_expand(&samples);
    assert_in_range(samples.count, 1, 4 * (SAMPLE_BUCKETS + 2));
    profile_samples_release(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_runs_are_kept_whole),
        cmocka_unit_test(test_the_picture_is_that_of_all_samples),
        cmocka_unit_test(test_sums_and_counts_are_all_there),
        cmocka_unit_test(test_a_window_has_all_buckets_for_itself),
        cmocka_unit_test(test_odd_moments_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
