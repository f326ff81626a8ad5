#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dat_fixture.h"
#include "memprof/profile/dat_reader.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/profile/open_spans.h"
#include "plots/ending_text.h"

#define MIB (INT64_C(1) << 20)
#define SECOND INT64_C(1000000000)

/* A file without a name that holds the text. */
static int file_of(const char *text)
{
    char path[] = "/tmp/test_run_ending_XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static struct run_ending ending_of(const char *text)
{
    int fd = file_of(text);
    struct run_ending ending;
    struct profile profile;

    assert_int_equal(dat_read(fd, &profile), 0);
    close(fd);
    assert_int_equal(profile.broken, 0);
    assert_int_equal(profile.unknown, 0);
    ending = profile.ending;
    profile_release(&profile);
    return ending;
}

static void assert_text(const char *dat, const char *expected)
{
    struct run_ending ending = ending_of(dat);
    char text[ENDING_TEXT_SIZE];

    ending_text(&ending, text);
    assert_string_equal(text, expected);
}

static void test_lines_are_written_and_read(void **state)
{
    char path[] = "/tmp/test_run_ending_XXXXXX", text[300] = "";
    struct dat_writer writer;
    struct run_ending ending;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(dat_writer_open(&writer, path, DAT_APPEND, 4), 0);
    unlink(path);
    assert_int_equal(dat_writer_oom(&writer, 2, 512 * MIB, 58 * MIB, 7 * SECOND), 0);
    assert_int_equal(dat_writer_end(&writer, 4711, true, 9, 58 * MIB, 8 * SECOND), 0);
    assert_int_equal(dat_writer_flush(&writer), 0);
    dat_writer_release(&writer);
    assert_true(read(fd, text, sizeof text - 1) > 0);
    close(fd);
    assert_string_equal(text, "#OOM/2/536870912 58.000000 7.0000\n"
                              "#END/4711/signal/9 58.000000 8.0000\n");
    ending = ending_of(text);
    assert_true(ending.is_known && ending.by_signal);
    assert_int_equal(ending.number, 9);
    assert_int_equal(ending.kills, 2);
    assert_int_equal(ending.limit, 512 * MIB);
    assert_true(ending.moment == 8 && ending.kill_moment == 7);
}

static void test_words(void **state)
{
    (void)state;
    assert_text("", "");
    assert_text("#END/1/exit/0 5.0 8.0000\n", "");
    assert_text("#END/1/exit/1 5.0 8.0000\n", "exit status 1");
    assert_text("#END/1/exit/1/and/more 5.0 8.0000\n", "exit status 1");
    assert_text("#END/1/exit/137 5.0 8.0000\n",
                "exit status 137 (a shell would mean SIGKILL: 128 + 9)");
    assert_text("#END/1/exit/255 5.0 8.0000\n", "exit status 255");
    assert_text("#END/1/signal/11 5.0 8.0000\n", "killed by signal 11 (SIGSEGV)");
    assert_text("#END/1/signal/64 5.0 8.0000\n", "killed by signal 64");
}

static void test_words_about_kills_for_memory(void **state)
{
    (void)state;
    assert_text("#OOM/1/536870912 5.0 8.0000\n#END/1/signal/9 5.0 8.0000\n",
                "killed by signal 9 (SIGKILL), by the kernel, for memory (limit 512 MiB)");
    assert_text("#OOM/3/0 5.0 8.0000\n#END/1/signal/9 5.0 12.9000\n",
                "killed by signal 9 (SIGKILL), by the kernel, for memory, as 2 more of its "
                "control group");
    /* Long before: that was another process. */
    assert_text("#OOM/1/2147483648 5.0 8.0000\n#END/1/signal/9 5.0 14.0000\n",
                "killed by signal 9 (SIGKILL); the kernel killed 1 process of its control group "
                "for memory (limit 2 GiB)");
    /* The kernel kills for memory by SIGKILL alone. */
    assert_text("#OOM/1/100000000 5.0 8.0000\n#END/1/signal/15 5.0 8.0000\n",
                "killed by signal 15 (SIGTERM); the kernel killed 1 process of its control group "
                "for memory (limit 95.4 MiB)");
    assert_text("#OOM/2/0 5.0 8.0000\n#END/1/exit/0 5.0 8.0000\n",
                "the kernel killed 2 processes of its control group for memory");
    assert_text("#OOM/1/0 5.0 8.0000\n",
                "the kernel killed 1 process of its control group for memory");
}

static void test_each_run_of_a_file_has_its_own(void **state)
{
    (void)state;
    assert_text("RUN 1 0.1 rss process 1.0000\n#OOM/1/0 5.0 8.0000\n#END/1/signal/9 5.0 8.0000\n"
                "RUN 2 0.1 rss process 9.0000\n",
                "");
}

static void test_numbers_of_any_size(void **state)
{
    static const char line[] = "#OOM/9007199254740992/9007199254740992 5.0 8.0000\n";
    char *text = calloc(2000, sizeof line);
    struct run_ending ending;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < 2000; i++)
        memcpy(text + i * (sizeof line - 1), line, sizeof line - 1);
    ending = ending_of(text);
    assert_int_equal(ending.kills, INT64_MAX);
    free(text);
}

static void test_what_is_no_end_is_broken(void **state)
{
    static const char *const lines[] = {
        "#END",
        "#END 1.0 2.0000",
        "#END/1/exit 1.0 2.0000",
        "#END/1/left/1 1.0 2.0000",
        "#END/1/exit/256 1.0 2.0000",
        "#END/1/exit/-1 1.0 2.0000",
        "#END/1/exit/x 1.0 2.0000",
        "#END/x/exit/1 1.0 2.0000",
        "#END/1/exit/1 1.0",
        "#END/1/exit/1 1.0 2.0000 3",
        "#END/1/exit/1/2.0000",
        "#OOM/1 1.0 2.0000",
        "#OOM/0/5 1.0 2.0000",
        "#OOM/1/-5 1.0 2.0000",
        "#OOM/1/9999999999999999999 1.0 2.0000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (kind_of(lines[i]) != DAT_BROKEN)
            fail_msg("taken: %s", lines[i]);
    assert_int_equal(kind_of("#ENDING/1 1.0 2.0000"), DAT_UNKNOWN);
    assert_int_equal(kind_of("MEM/1 1.0 2.0000"), DAT_UNKNOWN);
}

static void test_open_spans(void **state)
{
    int fd = file_of("BEGIN m.main 1.0000 10.0000 0\nMEM 1.0 10.1\nBEGIN m.load 1.0000 11.0000 1\n"
                     "FUNC m.short 1.0000 11.5000 1.0000 11.6000 2\n"
                     "FUNC m.load 1.0000 11.0000 2.0000 12.0000 1\n"
                     /* The same moment and name in two threads: one has ended. */
                     "BEGIN m.work 1.0000 13.0000 0\nBEGIN m.work 1.0000 13.0000 0\n"
                     "FUNC m.work 1.0000 13.0000 2.0000 14.0000 0\n"
                     "BEGIN m.load 1.0000 15.0000 1\nFUNC m.other 1.0 15.0000 2.0 16.0000 1\n"
                     "BEGIN .a block 1.0000 16.0000 2\n");
    struct open_spans open;

    (void)state;
    assert_int_equal(open_spans_read(fd, &open), 0);
    close(fd);
    assert_int_equal(open.count, 4);
    assert_string_equal(open.spans[0].name, ".a block");
    assert_true(open.spans[0].begin == 16);
    assert_string_equal(open.spans[1].name, "m.load");
    assert_true(open.spans[1].begin == 15);
    assert_string_equal(open.spans[2].name, "m.work");
    assert_string_equal(open.spans[3].name, "m.main");
    open_spans_release(&open);
    assert_int_equal(open.count, 0);
}

/* A hundred thousand at a time, ended from the outside in: in no more than n log n. */
static void test_many_open_spans(void **state)
{
    enum { MANY = 100000 };
    struct open_spans open;
    int fd = file_of("");
    FILE *file = fdopen(dup(fd), "w");

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < MANY; i++)
        fprintf(file, "BEGIN m.f%d 1.0000 %d.0000 0\n", i % 7, i);
    for (int i = 0; i < MANY - 2; i++)
        fprintf(file, "FUNC m.f%d 1.0000 %d.0000 1.0000 %d.0000 0\n", i % 7, i, MANY);
    assert_int_equal(fclose(file), 0);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(open_spans_read(fd, &open), 0);
    close(fd);
    assert_int_equal(open.count, 2);
    assert_true(open.spans[0].begin == MANY - 1);
    assert_true(open.spans[1].begin == MANY - 2);
    open_spans_release(&open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_written_and_read),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_words_about_kills_for_memory),
        cmocka_unit_test(test_each_run_of_a_file_has_its_own),
        cmocka_unit_test(test_numbers_of_any_size),
        cmocka_unit_test(test_what_is_no_end_is_broken),
        cmocka_unit_test(test_open_spans),
        cmocka_unit_test(test_many_open_spans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
