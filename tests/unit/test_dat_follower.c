#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/profile/dat_reader.h"

static void test_a_file_that_grows(void **state)
{
    static const char text[] = "CMDLINE a b\nMEM 1.5 2.5000\nMEM 3.5 4.5000\nCHLD 5 6.5 7.5000";
    char path[] = "/tmp/test_dat_reader_XXXXXX";
    struct profile profile;

    (void)state;
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct dat_follower *follower = dat_follower_new(&profile);
        int fd = mkstemp(path), reader = open(path, O_RDONLY);

        assert_true(follower != NULL && fd >= 0 && reader >= 0);
        unlink(path);
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            size_t left = sizeof text - 1 - at, size = left < piece ? left : piece;

            assert_int_equal(write(fd, text + at, size), (ssize_t)size);
            assert_int_equal(dat_follower_read(follower, reader), 0);
        }
        /* A last line that has no end: nobody can know that before. */
        assert_int_equal(profile.samples.count, 2);
        assert_int_equal(profile.n_processes, 0);
        assert_int_equal(dat_follower_finish(follower), 0);
        assert_true(profile.processes[0].samples.at[0].memory == 6.5);
        assert_true(profile.lines == 4 && profile.broken == 0);
        dat_follower_free(follower);
        profile_release(&profile);
        close(fd);
        close(reader);
        snprintf(path, sizeof path, "/tmp/test_dat_reader_XXXXXX");
    }
}

static void test_a_follower_keeps_its_error(void **state)
{
    struct profile profile;
    struct dat_follower *follower = dat_follower_new(&profile);

    (void)state;
    assert_int_equal(dat_follower_read(follower, -1), -EBADF);
    assert_int_equal(dat_follower_finish(follower), -EBADF);
    dat_follower_free(follower);
    profile_release(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_that_grows),
        cmocka_unit_test(test_a_follower_keeps_its_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
