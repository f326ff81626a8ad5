#include <errno.h>
#include <fcntl.h>
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

#include "memprof/sampling/span_log.h"

#define MIB (INT64_C(1) << 20)

static char path[] = "/tmp/memprof-test-spans-XXXXXX";
static char text[1 << 20];

static char keys[4]; /* addresses of frames */

static int set_up(void **state)
{
    int fd;

    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static const char *recorded(void)
{
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

/* The level at the end of the line that begins with `start`, or -1. */
static int level_of(const char *start)
{
    const char *line = strstr(recorded(), start), *end;

    if (line == NULL)
        return -1;
    end = strchr(line, '\n');
    assert_non_null(end);
    return end[-1] - '0';
}

static struct span_log *new_recorder(void)
{
    struct span_log *recorder = NULL;

    assert_int_equal(span_log_new(&recorder, path), 0);
    return recorder;
}

static void test_spans_are_in_the_file_as_soon_as_they_end(void **state)
{
    struct span_log *recorder = new_recorder();
    struct span_stack *stack = span_stack_new(recorder);

    (void)state;
    assert_int_equal(span_begin(recorder, stack, &keys[0], "m.outer", 10 * MIB), 0);
    assert_int_equal(span_begin(recorder, stack, &keys[1], "m.inner", 20 * MIB), 0);
    assert_int_equal(span_end(recorder, stack, &keys[1], 30 * MIB), 0);
    assert_int_equal(level_of("FUNC m.inner 20.0000 "), 1);
    assert_int_equal(level_of("FUNC m.outer"), -1);
    assert_int_equal(span_end(recorder, stack, &keys[0], 15 * MIB), 0);
    assert_int_equal(level_of("FUNC m.outer 10.0000 "), 0);
    assert_int_equal(span_end(recorder, stack, &keys[0], 0), -ENOENT);
    span_log_free(recorder);
}

static void test_a_long_span_is_announced(void **state)
{
    struct span_log *recorder = new_recorder();
    struct span_stack *stack = span_stack_new(recorder);

    (void)state;
    span_begin(recorder, stack, &keys[0], "m.long", MIB);
    assert_null(strstr(recorded(), "BEGIN"));
    for (int i = 0; i < 100 && strstr(recorded(), "BEGIN") == NULL; i++)
        usleep(20000);
    assert_memory_equal(recorded(), "#BEGIN/0/m.long 1.0000 ", 23);
    span_log_free(recorder); /* and a killed process would have left just this */
    assert_null(strstr(recorded(), "FUNC"));
}

static void test_generators_keep_their_span_between_resumes(void **state)
{
    struct span_log *recorder = new_recorder();
    struct span_stack *one = span_stack_new(recorder), *two = span_stack_new(recorder);

    (void)state;
    span_begin(recorder, one, &keys[0], "m.gen", MIB);
    span_suspend(recorder, one, &keys[0]);
    span_begin(recorder, one, &keys[1], "m.other", MIB);
    span_end(recorder, one, &keys[1], MIB);
    assert_int_equal(level_of("FUNC m.other"), 0); /* the suspended one is not around it */
    assert_int_equal(span_resume(recorder, two, &keys[0]), 0); /* in another thread */
    assert_int_equal(span_end(recorder, two, &keys[0], 2 * MIB), 0);
    assert_int_equal(level_of("FUNC m.gen 1.0000 "), 0);
    assert_int_equal(span_resume(recorder, two, &keys[2]), -ENOENT);
    span_log_free(recorder);
}

static void test_fork(void **state)
{
    struct span_log *recorder = new_recorder();
    struct span_stack *stack = span_stack_new(recorder);
    int status;
    pid_t pid;

    (void)state;
    span_begin(recorder, stack, &keys[0], "m.parent", MIB);
    span_log_before_fork(recorder);
    pid = fork();
    span_log_after_fork(recorder, pid == 0);
    if (pid == 0) {
        int error = span_begin(recorder, stack, &keys[1], "m.child", MIB);

        error |= span_end(recorder, stack, &keys[1], MIB);
        _exit(error == 0 && span_end(recorder, stack, &keys[0], MIB) == -ENOENT ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(span_end(recorder, stack, &keys[0], MIB), 0);
    assert_int_equal(level_of("FUNC m.child"), 0);
    assert_int_equal(level_of("FUNC m.parent"), 0);
    span_log_free(recorder);
}

static void test_a_program_that_closes_everything(void **state)
{
    struct span_log *recorder = new_recorder();
    struct span_stack *stack = span_stack_new(recorder);

    (void)state;
    span_begin(recorder, stack, &keys[0], "m.before", MIB);
    for (int fd = 600; fd < 1024; fd++)
        close(fd);
    usleep(5000); /* longer than the file is trusted */
    assert_int_equal(span_end(recorder, stack, &keys[0], MIB), 0);
    assert_int_equal(level_of("FUNC m.before"), 0);
    span_log_free(recorder);
}

static void test_without_a_name_it_can_be_read_back(void **state)
{
    struct span_log *recorder = NULL;
    struct span_stack *stack;
    ssize_t length;

    (void)state;
    assert_int_equal(span_log_new(&recorder, NULL), 0);
    stack = span_stack_new(recorder);
    span_begin(recorder, stack, &keys[0], "m.kept", MIB);
    span_end(recorder, stack, &keys[0], MIB);
    length = pread(span_log_fd(recorder), text, sizeof text - 1, 0);
    assert_true(length > 0);
    text[length] = '\0';
    assert_non_null(strstr(text, "FUNC m.kept 1.0000 "));
    span_log_free(recorder);
}

static void test_a_file_that_cannot_be_opened(void **state)
{
    struct span_log *recorder = NULL;

    (void)state;
    assert_int_equal(span_log_new(&recorder, "/no/such/folder/file"), -ENOENT);
    assert_null(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spans_are_in_the_file_as_soon_as_they_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_span_is_announced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_generators_keep_their_span_between_resumes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_fork, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_program_that_closes_everything, set_up, tear_down),
        cmocka_unit_test(test_without_a_name_it_can_be_read_back),
        cmocka_unit_test(test_a_file_that_cannot_be_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
