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

#include "memprof/machine/family_reader.h"

#define MIB (INT64_C(1) << 20)

/* A child that holds 32 MiB, has a child like itself when `deep`, and waits to be killed. */
static pid_t start_child(int deep)
{
    int ready[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        char *block =
            mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        alarm(60); /* no child outlives a test that failed */
        memset(block, 1, 32 * MIB);
        if (deep)
            start_child(0);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static int64_t sum_now(struct family_reader *reader)
{
    int64_t sum = -1;

    assert_int_equal(family_reader_read(reader, &sum), 0);
    return sum;
}

static void test_children_and_theirs_count_until_they_end(void **state)
{
    struct family_reader reader;
    struct mem_reader own;
    int64_t each; /* a child holds its block, and at most what it shares with us */
    pid_t first, second, grandchild;

    (void)state;
    assert_int_equal(mem_reader_init(&own, 0, MEM_RSS), 0);
    assert_int_equal(mem_reader_read(&own, &each), 0);
    each += 36 * MIB;
    assert_int_equal(family_reader_init(&reader, getpid(), MEM_RSS), 0);
    assert_int_equal(sum_now(&reader), 0);
    first = start_child(0);
    assert_in_range(sum_now(&reader), 32 * MIB, each);
    second = start_child(1);
    assert_in_range(sum_now(&reader), 96 * MIB, 3 * each + 32 * MIB);
    assert_int_equal(reader.count, 3);
    grandchild = reader.members[2].id.pid;
    assert_true(reader.members[2].bytes >= 32 * MIB);
    kill(second, SIGKILL); /* its child lives on, and was seen before */
    waitpid(second, NULL, 0);
    assert_int_equal((sum_now(&reader), reader.count), 2);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    kill(grandchild, SIGKILL);
    while (kill(grandchild, 0) == 0 && sum_now(&reader) > 0)
        usleep(1000);
    assert_int_equal(sum_now(&reader), 0);
    family_reader_release(&reader);
    mem_reader_release(&own);
}

/* In a forked child: it has no family at first, then a child of its own. 0 if it was so. */
static int found_by_a_fork(struct family_reader *reader)
{
    int64_t sum;
    pid_t child;

    if (family_reader_read(reader, &sum) != 0 || sum != 0)
        return 2;
    child = start_child(0);
    if (family_reader_read(reader, &sum) != 0 || reader->count != 1 || sum < 32 * MIB)
        return 3;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    family_reader_release(reader);
    return 0;
}

static void test_the_family_of_this_process_follows_a_fork(void **state)
{
    struct family_reader reader;
    pid_t child, fork_of_us;
    int status;

    (void)state;
    assert_int_equal(family_reader_init(&reader, 0, MEM_RSS), 0);
    child = start_child(0);
    assert_in_range(sum_now(&reader), 32 * MIB, INT64_MAX);
    fork_of_us = fork();
    if (fork_of_us == 0)
        _exit(found_by_a_fork(&reader));
    assert_int_equal(waitpid(fork_of_us, &status, 0), fork_of_us);
    assert_int_equal(status, 0);
    assert_in_range(sum_now(&reader), 32 * MIB, INT64_MAX);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    family_reader_release(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_and_theirs_count_until_they_end),
        cmocka_unit_test(test_the_family_of_this_process_follows_a_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
