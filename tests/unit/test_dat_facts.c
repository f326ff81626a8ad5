#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/profile/dat_reader.h"
#include "memprof/profile/dat_writer.h"

#define MIB (INT64_C(1) << 20)
#define SECOND INT64_C(1000000000)

static void read_text(const char *text, struct profile *profile)
{
    char path[] = "/tmp/test_dat_facts_XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(dat_read_path(path, profile), 0);
    unlink(path);
}

static void check_facts(const struct profile *profile)
{
    assert_int_equal(profile->unknown + profile->broken, 0);
    assert_int_equal(profile->n_runs, 1);
    assert_string_equal(profile->runs[0].backend, "rss");
    assert_true(profile->runs[0].pid == 9 && profile->runs[0].interval == 0.1 &&
                profile->runs[0].moment == 1);
    assert_true(profile->runs[0].each && profile->runs[0].attached && !profile->runs[0].sum);
    assert_true(profile_process_find(profile, 9)->peaks.at[0].memory == 5);
    assert_true(profile_process_find(profile, 9)->spikes.at[0].moment == 3);
    assert_true(profile->steps.at[0].value == -1.5 && profile->missed.at[0].value == 3);
    assert_int_equal(profile->n_spans, 1);
    assert_string_equal(profile->spans[0].name, ".my block");
    assert_true(profile->spans[0].open && profile->spans[0].level == 1 &&
                profile->spans[0].begin == 2 && profile->spans[0].memory_begin == 7);
}

/* Facts were lines of their own before they became comments; details of later versions may follow.
 */
static void test_facts_of_all_forms(void **state)
{
    static const char *const forms[] = {
        "RUN 9 0.1 rss each+attach 1.0000\nBEGIN .my block 7.0000 2.0000 1\nPEAK 9 5 3.0000\n"
        "SPIKE 9 4 3.0000\nSTEP -1.5 3.0000\nMISSED 3 3.0000\n",
        "#RUN/9/rss/each+attach/0.1 1.0 1.0000\n#BEGIN/1/.my\xc2\xa0"
        "block 7.0000 2.0000\n#PEAK/9 5 3.0000\n#SPIKE/9 4 3.0000\n#STEP/-1.5 4 3.0000\n"
        "#MISSED/3 4 3.0000\n",
        "#RUN/9/rss/each+attach/0.1/new/5 1.0 1.0000\n#BEGIN/1/.my\xc2\xa0"
        "block/x 7.0000 2.0000\n#PEAK/9/x 5 3.0000\n#SPIKE/9/x 4 3.0000\n"
        "#STEP/-1.5/x 4 3.0000\n#MISSED/3/x 4 3.0000\n",
    };
    struct profile profile;

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        read_text(forms[i], &profile);
        check_facts(&profile);
        profile_release(&profile);
    }
}

/* A BEGIN is closed by its FUNC whatever its name is made of, and both show it as it was. */
static void test_names_come_back_as_they_were(void **state)
{
    static const char *const names[][2] = {
        {".a b", ".a b"},
        {".a/b", ".a/b"},
        {".100% / 5", ".100% / 5"},
        {".%2F%25%0A", ".%2F%25%0A"},
        {".a\tb", ".a b"},
        {".a\nb", ".a%0Ab"},
        {".\xc2 \xa0 x", ".\xc2 \xa0 x"},
        {".caf\xc3\xa9 \xc2\xa0", ".caf\xc3\xa9  "},
    };
    struct dat_point begin = {3 * MIB, 5 * SECOND}, end = {4 * MIB, 6 * SECOND};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[] = "/tmp/test_dat_facts_XXXXXX", plain[100];
        struct dat_writer writer;
        struct profile profile;

        close(mkstemp(path));
        assert_int_equal(dat_writer_open(&writer, path, DAT_TRUNCATE, 4), 0);
        dat_writer_begin(&writer, names[i][0], begin, 0);
        dat_writer_func(&writer, names[i][0], begin, end, 0);
        dat_writer_begin(&writer, names[i][0], end, 0);
        dat_writer_release(&writer);
        assert_int_equal(dat_read_path(path, &profile), 0);
        unlink(path);
        assert_int_equal(profile.n_spans, 2);
        assert_false(profile.spans[0].open);
        assert_true(profile.spans[1].open);
        assert_string_equal(profile.spans[0].name, names[i][1]);
        assert_ptr_equal(profile.spans[0].name, profile.spans[1].name);
        profile_release(&profile);
        strcpy(plain, names[i][0]);
        plain[dat_record_plain_name(plain, strlen(plain))] = '\0';
        assert_true(strchr(names[i][0], '\n') != NULL || strcmp(plain, names[i][1]) == 0);
    }
}

static void test_limits_and_parts_are_read_as_they_were_written(void **state)
{
    static const int64_t parts[] = {2 * MIB, MIB, 0, MIB / 2};
    char path[] = "/tmp/test_dat_facts_XXXXXX";
    struct dat_writer writer;
    struct profile profile;

    (void)state;
    close(mkstemp(path));
    assert_int_equal(dat_writer_open(&writer, path, DAT_TRUNCATE, 4), 0);
    dat_writer_mem(&writer, 3 * MIB, SECOND);
    dat_writer_parts(&writer, parts, 3 * MIB, SECOND);
    dat_writer_limit(&writer, "cgroup", 512 * MIB, 3 * MIB, SECOND);
    dat_writer_limit(&writer, "address", 1024 * MIB, 3 * MIB, SECOND);
    dat_writer_limit(&writer, "cgroup", 0, 3 * MIB, 2 * SECOND);
    assert_int_equal(dat_writer_flush(&writer), 0);
    dat_writer_release(&writer);
    assert_int_equal(dat_read_path(path, &profile), 0);
    unlink(path);
    assert_int_equal(profile.unknown + profile.broken, 0);
    assert_true(profile.parts[PROFILE_ANONYMOUS].at[0].memory == 2 &&
                profile.parts[PROFILE_FILE].at[0].memory == 1 &&
                profile.parts[PROFILE_SHARED].at[0].memory == 0 &&
                profile.parts[PROFILE_SWAP].at[0].memory == 0.5 &&
                profile.parts[PROFILE_SWAP].at[0].moment == 1);
    assert_int_equal(profile.limits[PROFILE_CGROUP].count, 2);
    assert_true(profile.limits[PROFILE_CGROUP].at[0].value == 512 &&
                profile.limits[PROFILE_CGROUP].at[1].value == 0 &&
                profile.limits[PROFILE_CGROUP].at[1].moment == 2);
    assert_int_equal(profile.limits[PROFILE_ADDRESS].count, 1);
    assert_true(profile.limits[PROFILE_ADDRESS].at[0].value == 1024);
    profile_release(&profile);
}

static void test_limits_of_a_run_end_with_it(void **state)
{
    struct profile profile;

    (void)state;
    read_text("#RUN/9/rss/process/0.1 1.0 1.0000\n#LIMIT/cgroup/1048576 1.0 1.5000\n"
              "#LIMIT/cgroup/1048576/more 1.0 1.7000\n#LIMIT/later/7 1.0 1.8000\n"
              "#RUN/10/rss/process/0.1 1.0 5.0000\n",
              &profile);
    assert_int_equal(profile.unknown + profile.broken, 0);
    assert_int_equal(profile.limits[PROFILE_CGROUP].count, 2);
    assert_true(profile.limits[PROFILE_CGROUP].at[1].value == 0 &&
                profile.limits[PROFILE_CGROUP].at[1].moment == 5);
    profile_release(&profile);
}

static void test_limits_and_parts_that_are_none(void **state)
{
    static const char *const lines[] = {
        "#LIMIT 1.0 1.0000\n",
        "#LIMIT/cgroup 1.0 1.0000\n",
        "#LIMIT//5 1.0 1.0000\n",
        "#LIMIT/cgroup/-5 1.0 1.0000\n",
        "#LIMIT/cgroup/1.5 1.0 1.0000\n",
        "#LIMIT/cgroup/nan 1.0 1.0000\n",
        "#LIMIT/cgroup/99999999999999999999 1.0 1.0000\n",
        "#LIMIT/c\xc2\xa0/5 1.0 1.0000\n",
        "#PARTS/1/2/3 1.0 1.0000\n",
        "#PARTS/1/2/3/ 1.0 1.0000\n",
        "#PARTS/1/2/3/-4 1.0 1.0000\n",
        "#PARTS/1/2/inf/4 1.0 1.0000\n",
        "#PARTS/1/2/3/4 1.0\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct profile profile;

        read_text(lines[i], &profile);
        if (profile.broken != 1 || profile.parts[0].count != 0 || profile.limits[0].count != 0)
            fail_msg("taken: %s", lines[i]);
        profile_release(&profile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_of_all_forms),
        cmocka_unit_test(test_names_come_back_as_they_were),
        cmocka_unit_test(test_limits_and_parts_are_read_as_they_were_written),
        cmocka_unit_test(test_limits_of_a_run_end_with_it),
        cmocka_unit_test(test_limits_and_parts_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
