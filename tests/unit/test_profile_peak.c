#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/profile_peak.h"

static void read_text(const char *text, struct profile *profile)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    close(ends[1]);
    assert_int_equal(dat_read(ends[0], profile), 0);
    close(ends[0]);
}

static double root_peak(const char *text)
{
    struct profile_sample peak;
    struct profile profile;
    int error;

    read_text(text, &profile);
    error = profile_peak_root(&profile, &peak);
    profile_release(&profile);
    assert_true(error == 0 || error == -ENODATA);
    return error == 0 ? peak.memory : -1;
}

static void test_peak_of_the_root(void **state)
{
    (void)state;
    assert_true(root_peak("MEM 5 1\nMEM 7 2\nMEM 6 3\n") == 7);
    assert_true(root_peak("RUN 9 0.1 rss process 1.0\nMEM 5 1\nPEAK 9 8 2\n") == 8);
    assert_true(root_peak("PEAK 9 8 2\nMEM 9 1\nRUN 9 0.1 rss process 1.0\n") == 9);
    assert_true(root_peak("RUN 9 0.1 rss process 1.0\nMEM 5 1\nPEAK 10 8 2\n") == 5);
    assert_true(root_peak("RUN 9 0.1 rss sum 1.0\nMEM 5 1\nPEAK 9 8 2\n") == 5);
    assert_true(root_peak("RUN 9 0.1 rss process 1.0\nMEM 5 1\nSPIKE 9 6 2\n") == 6);
    /* What marked calls read counts where nothing else knows better. */
    assert_true(root_peak("MEM 5 1\nFUNC f 1.0 1.0 8.0 2.0 0\n") == 8);
    assert_true(root_peak("RUN 9 0.1 pss process 1.0\nMEM 5 1\nFUNC f 1.0 1.0 8.0 2.0 0\n") == 5);
    assert_true(root_peak("MEM 5 1\nCHLD 3 2 1\nFUNC f 1.0 1.0 8.0 2.0 0\n") == 5);
    assert_true(root_peak("FUNC f 9.0 1.0 8.0 2.0 0\n") == 9);
    assert_true(root_peak("BEGIN f 9.0 1.0 0\n") == 9);
    assert_true(root_peak("PEAK 3 4 5\n") == 4);
    assert_true(root_peak("CMDLINE x\n") == -1);
    /* The begin of a call that ended is a reading, too, whatever its end says of it. */
    assert_true(root_peak("BEGIN f 3.0 1.0 1\nFUNC f 1.0 1.0 2.0 2.0 1\n") == 3);
}

static void test_peak_of_a_descendant(void **state)
{
    struct profile_sample peak;
    struct profile profile;

    (void)state;
    read_text("RUN 1 0.1 rss each 1.0\nMEM 1 1\nCHLD 2 5 1\nPEAK 2 7 1\nPEAK 3 4 1\nPEAK 1 9 1\n",
              &profile);
    assert_int_equal(profile.n_processes, 3);
    assert_int_equal(profile_peak_process(&profile, &profile.processes[0], &peak), 0);
    assert_true(peak.memory == 7);
    assert_int_equal(profile_peak_process(&profile, &profile.processes[1], &peak), 0);
    assert_true(peak.memory == 4);
    assert_int_equal(profile_peak_process(&profile, &profile.processes[2], &peak), -ENODATA);
    profile_release(&profile);
}

static double function_peak(const char *text, const char *name)
{
    struct profile_sample peak;
    struct profile profile;
    int error;

    read_text(text, &profile);
    error = profile_peak_function(&profile, name, &peak);
    profile_release(&profile);
    return error == 0 ? peak.memory : error;
}

static void test_peak_of_a_function(void **state)
{
    static const char text[] = "RUN 9 0.1 rss process 0.5\n"
                               "FUNC f 1.0 10.0 2.0 20.0 0\nFUNC f 1.0 12.0 2.0 13.0 1\n"
                               "FUNC g 1.0 15.0 2.0 25.0 0\nBEGIN h 1.0 30.0 0\n"
                               "MEM 50 9.9\nMEM 30 20.0\nMEM 40 20.1\nMEM 35 26\nMEM 20 40\n"
                               "SPIKE 9 90 10.5\nSPIKE 9 60 12.5\nSPIKE 9 80 20.5\n";

    (void)state;
    assert_true(function_peak(text, "f") == 60);
    assert_true(function_peak(text, "g") == 40);
    assert_true(function_peak(text, "h") == 20);
    assert_true(function_peak(text, "k") == -ENOENT);
    assert_true(function_peak("FUNC f 1.0 10.0 2.0 20.0 0\n", "f") == 2);
}

/* The short reading tells the same peaks as the long one. */
static void test_largest_alone_gives_the_same_peaks(void **state)
{
    static const char text[] = "RUN 1 0.1 rss each 1.0\nMEM 1 1\nMEM 4 2\nMEM 3 3\nCHLD 2 5 1\n"
                               "CHLD 2 4 2\nPEAK 2 7 1\nPEAK 2 8 2\nFUNC f 1.0 1.0 2.0 2.0 0\n"
                               "FUNC g 1.0 1.0 20.0 2.0 0\nFUNC g 1.0 1.0 9.0 2.0 0\n";
    struct profile_sample peak;
    struct profile profile;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, sizeof text - 1), sizeof text - 1);
    close(ends[1]);
    assert_int_equal(dat_read_largest(ends[0], &profile), 0);
    close(ends[0]);
    assert_int_equal(profile.samples.count, 1);
    assert_int_equal(profile.n_spans, 1);
    assert_true(profile.spans[0].memory_end == 20);
    assert_int_equal(profile_peak_root(&profile, &peak), 0);
    assert_true(peak.memory == 4 && peak.moment == 2);
    assert_int_equal(profile_peak_process(&profile, &profile.processes[0], &peak), 0);
    assert_true(peak.memory == 8);
    profile_release(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peak_of_the_root),
        cmocka_unit_test(test_peak_of_a_descendant),
        cmocka_unit_test(test_peak_of_a_function),
        cmocka_unit_test(test_largest_alone_gives_the_same_peaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
