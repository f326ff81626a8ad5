#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/profile/dat_writer.h"

#define MIB (INT64_C(1) << 20)
#define SECOND INT64_C(1000000000)

static char path[] = "/tmp/test_dat_writer_XXXXXX";

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

static void open_writer(struct dat_writer *writer, int decimals)
{
    assert_int_equal(dat_writer_open(writer, path, DAT_TRUNCATE, decimals), 0);
}

/* Closes the writer; what the file holds then, in memory the caller frees. */
static char *contents(struct dat_writer *writer)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);

    assert_int_equal(dat_writer_flush(writer), 0);
    dat_writer_release(writer);
    assert_non_null(file);
    assert_non_null(text);
    fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

static void test_lines_are_those_that_others_read(void **state)
{
    struct dat_point begin = {46 * MIB + 409600, 1795356603 * SECOND + 621900000};
    struct dat_point end = {54 * MIB + 16384, 1795356604 * SECOND + 610600000};
    struct dat_writer writer;
    char *text;

    (void)state;
    open_writer(&writer, 4);
    dat_writer_run(&writer, 12, 100000000, "rss", "sum+each", 13 * MIB, 1795356600 * SECOND);
    dat_writer_mem(&writer, 4096, 1795356600 * SECOND + 520300000);
    dat_writer_child(&writer, 473, 18 * MIB + 544 * 1024, 1795356621 * SECOND + 265200000);
    dat_writer_peak(&writer, 473, 20 * MIB, 1795356621 * SECOND);
    dat_writer_spike(&writer, 473, 20 * MIB, 1795356621 * SECOND);
    dat_writer_step(&writer, -3 * SECOND / 2, 20 * MIB, 1795356621 * SECOND);
    dat_writer_missed(&writer, 7, 20 * MIB, 1795356621 * SECOND);
    dat_writer_flush(&writer);
    assert_int_equal(dat_writer_begin(&writer, "__main__.f", begin, 1), 0);
    assert_int_equal(dat_writer_func(&writer, "__main__.f", begin, end, 1), 0);
    text = contents(&writer);
    assert_string_equal(text,
                        "#RUN/12/rss/sum+each/0.1 13.000000 1795356600.0000\n"
                        "MEM 0.003906 1795356600.5203\n"
                        "CHLD 473 18.531250 1795356621.2652\n"
                        "#PEAK/473 20.000000 1795356621.0000\n"
                        "#SPIKE/473 20.000000 1795356621.0000\n"
                        "#STEP/-1.500000 20.000000 1795356621.0000\n"
                        "#MISSED/7 20.000000 1795356621.0000\n"
                        "#BEGIN/1/__main__.f 46.3906 1795356603.6219\n"
                        "FUNC __main__.f 46.3906 1795356603.6219 54.0156 1795356604.6106 1\n");
    free(text);
}

static void test_numbers_are_rounded_as_printf_does(void **state)
{
    struct dat_writer writer;
    char *text, *line, expected[64];
    unsigned int seed = 1;

    (void)state;
    open_writer(&writer, 6);
    for (int i = 0; i < 2000; i++)
        dat_writer_mem(&writer, i * INT64_C(4096) + (i % 3 == 0 ? rand_r(&seed) : 0), i * SECOND);
    text = line = contents(&writer);
    seed = 1;
    for (int i = 0; i < 2000; i++) {
        int64_t bytes = i * INT64_C(4096) + (i % 3 == 0 ? rand_r(&seed) : 0);

        snprintf(expected, sizeof expected, "MEM %.6f %d.000000\n", (double)bytes / MIB, i);
        assert_memory_equal(line, expected, strlen(expected));
        line += strlen(expected);
    }
    free(text);
}

static void test_arguments_stay_in_one_line(void **state)
{
    char *argv[] = {"prog", "two words", "line\nend\r", "", NULL};
    struct dat_writer writer;
    char *text;

    (void)state;
    open_writer(&writer, 4);
    dat_writer_cmdline(&writer, argv);
    text = contents(&writer);
    assert_string_equal(text, "CMDLINE prog 'two words' 'line\\nend\\r' ''\n");
    free(text);
}

static void test_names_stay_in_one_line_and_are_cut(void **state)
{
    struct dat_point point = {0, 0};
    struct dat_writer writer;
    char *text, name[5000];

    (void)state;
    memset(name, '\n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    open_writer(&writer, 4);
    assert_int_equal(dat_writer_begin(&writer, name, point, 0), 0);
    text = contents(&writer);
    assert_int_equal(strlen(text), strlen("#BEGIN/0/") + 3000 + strlen(" 0.0000 0.0000\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    free(text);
}

/* Other readers split lines at blanks: no name holds one. */
static void test_no_name_holds_a_blank(void **state)
{
    struct dat_point point = {MIB, SECOND};
    struct dat_writer writer;
    char *text;

    (void)state;
    open_writer(&writer, 4);
    assert_int_equal(dat_writer_begin(&writer, ".a b/c%\td\r\n", point, 0), 0);
    assert_int_equal(dat_writer_func(&writer, ".a b/c%\td\r\n", point, point, 0), 0);
    text = contents(&writer);
    assert_string_equal(text, "#BEGIN/0/.a\xc2\xa0"
                              "b%2Fc%25\xc2\xa0"
                              "d%0D%0A 1.0000 1.0000\n"
                              "FUNC .a\xc2\xa0"
                              "b/c%\xc2\xa0"
                              "d%0D%0A 1.0000 1.0000 1.0000 1.0000 0\n");
    free(text);
}

static void *write_funcs(void *context)
{
    struct dat_writer *writer = context;
    struct dat_point point = {MIB, SECOND};

    for (int i = 0; i < 500; i++)
        dat_writer_func(writer, "a_function_with_a_long_name", point, point, 3);
    return NULL;
}

static void test_threads_and_processes_never_mix_their_lines(void **state)
{
    static const char line[] = "FUNC a_function_with_a_long_name 1.0000 1.0000 1.0000 1.0000 3\n";
    struct dat_writer writer;
    pthread_t threads[4];
    char *text;
    pid_t pid;
    int status;

    (void)state;
    open_writer(&writer, 4);
    pid = fork();
    if (pid == 0) {
        write_funcs(&writer);
        _exit(0);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_funcs, &writer), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    text = contents(&writer);
    assert_int_equal(strlen(text), 2500 * (sizeof line - 1));
    for (int i = 0; i < 2500; i++)
        assert_memory_equal(text + (size_t)i * (sizeof line - 1), line, sizeof line - 1);
    free(text);
}

static void test_half_a_line_of_a_killed_writer_swallows_no_sample(void **state)
{
    struct dat_writer writer, other;
    char *text;

    (void)state;
    assert_int_equal(dat_writer_open(&writer, path, DAT_TRUNCATE, 4), 0);
    assert_int_equal(dat_writer_open(&other, path, DAT_APPEND, 4), 0);
    assert_int_equal(write(other.fd, "FUNC hal", 8), 8);
    dat_writer_release(&other);
    dat_writer_mem(&writer, MIB, SECOND);
    assert_int_equal(dat_writer_flush(&writer), 0);
    dat_writer_mem(&writer, MIB, 2 * SECOND);
    assert_int_equal(dat_writer_flush(&writer), 0);
    text = contents(&writer);
    assert_string_equal(text, "FUNC hal\nMEM 1.000000 1.0000\nMEM 1.000000 2.0000\n");
    free(text);
}

static void test_errors_are_told(void **state)
{
    struct dat_writer writer;

    (void)state;
    assert_int_equal(dat_writer_open(&writer, path, DAT_NEW, 4), -EEXIST);
    assert_int_equal(dat_writer_open(&writer, "/nowhere/at/all", DAT_NEW, 4), -ENOENT);
    if (dat_writer_open(&writer, "/dev/full", DAT_APPEND, 4) != 0)
        return; /* not on this system */
    dat_writer_mem(&writer, MIB, SECOND);
    assert_int_equal(dat_writer_flush(&writer), -ENOSPC);
    assert_int_equal(dat_writer_flush(&writer), 0); /* what could not be written is dropped */
    dat_writer_release(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_those_that_others_read),
        cmocka_unit_test(test_numbers_are_rounded_as_printf_does),
        cmocka_unit_test(test_arguments_stay_in_one_line),
        cmocka_unit_test(test_names_stay_in_one_line_and_are_cut),
        cmocka_unit_test(test_no_name_holds_a_blank),
        cmocka_unit_test(test_threads_and_processes_never_mix_their_lines),
        cmocka_unit_test(test_half_a_line_of_a_killed_writer_swallows_no_sample),
        cmocka_unit_test(test_errors_are_told),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
