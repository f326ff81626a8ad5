#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/mem_reader.h"

#define MIB (INT64_C(1) << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The kernel fills the pages where it can: a sanitizer would add shadow pages for our own writes.
 */
static void *grow(size_t bytes)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(block != MAP_FAILED);
    if (madvise(block, bytes, MADV_POPULATE_WRITE) != 0)
        memset(block, 1, bytes);
    return block;
}

static int64_t read_now(struct mem_reader *reader)
{
    int64_t bytes = -1;

    assert_int_equal(mem_reader_read(reader, &bytes), 0);
    return bytes;
}

static void check_growth(enum mem_backend backend)
{
    struct mem_reader reader;
    int64_t before, after, slack = mem_resolution() + 256 * 1024;
    void *block;

    assert_int_equal(mem_reader_init(&reader, 0, backend), 0);
    before = read_now(&reader);
    block = grow(64 * MIB);
    after = read_now(&reader);
    assert_in_range(after - before, 64 * MIB - slack, 64 * MIB + slack);
    munmap(block, 64 * MIB);
    assert_true(llabs(read_now(&reader) - before) <= slack);
    mem_reader_release(&reader);
}

static void test_growth_is_seen_by_every_backend(void **state)
{
    (void)state;
    check_growth(MEM_RSS);
    check_growth(MEM_PSS);
    check_growth(MEM_USS);
}

static void test_forked_child_reads_itself(void **state)
{
    struct mem_reader reader;
    int64_t before;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(mem_reader_init(&reader, 0, MEM_RSS), 0);
    before = read_now(&reader);
    pid = fork();
    if (pid == 0) {
        int64_t bytes = 0;

        grow(64 * MIB);
        _exit(mem_reader_read(&reader, &bytes) == 0 && bytes > before + 32 * MIB ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(read_now(&reader) < before + 32 * MIB);
    mem_reader_release(&reader);
}

static void test_reader_survives_a_program_that_takes_its_descriptor(void **state)
{
    struct mem_reader reader;
    char name[] = "/tmp/memprof_readerXXXXXX";
    int64_t before;
    int file, taken;

    (void)state;
    assert_int_equal(mem_reader_init(&reader, 0, MEM_RSS), 0);
    before = read_now(&reader);
    file = mkstemp(name);
    unlink(name);
    assert_int_equal(write(file, "1 1 1 1 1 1 1\n", 14), 14);
    taken = reader.fd;
    assert_int_equal(dup2(file, taken), taken);
    mem_reader_verify(&reader);
    assert_int_not_equal(reader.fd, taken);
    assert_true(llabs(read_now(&reader) - before) < MIB + mem_resolution());
    assert_int_not_equal(fcntl(taken, F_GETFD), -1); /* the program's file stays open */
    close(reader.fd);
    assert_true(read_now(&reader) > 0); /* and a plain close is healed at once */
    mem_reader_release(&reader);
    close(taken);
    close(file);
}

static void test_a_reader_that_rests_has_no_descriptor(void **state)
{
    struct mem_reader reader;
    int taken;

    (void)state;
    assert_int_equal(mem_reader_init(&reader, 0, MEM_RSS), 0);
    taken = reader.fd;
    for (int i = 0; i < 2; i++) {
        mem_reader_rest(&reader);
        assert_int_equal(fcntl(taken, F_GETFD), -1);
    }
    assert_true(read_now(&reader) > 0);
    assert_int_not_equal(reader.fd, -1); /* open from here on */
    mem_reader_release(&reader);
}

static void test_other_processes_and_the_dead(void **state)
{
    struct mem_reader reader;
    int64_t bytes, peak;
    siginfo_t info;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        grow(16 * MIB);
        _exit(0);
    }
    assert_int_equal(mem_reader_init(&reader, pid, MEM_RSS), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(mem_reader_read(&reader, &bytes), -ESRCH); /* a zombie holds nothing */
    assert_int_equal(mem_peak_read(pid, &peak), -ESRCH);
    waitpid(pid, NULL, 0);
    assert_int_equal(mem_reader_read(&reader, &bytes), -ESRCH);
    mem_reader_release(&reader);
}

static void test_peak_remembers_and_resets(void **state)
{
    int64_t before, after, slack = MIB + mem_resolution();

    (void)state;
    assert_int_equal(mem_peak_reset(0), 0);
    assert_int_equal(mem_peak_read(0, &before), 0);
    munmap(grow(64 * MIB), 64 * MIB);
    assert_int_equal(mem_peak_read(0, &after), 0);
    assert_in_range(after - before, 64 * MIB - slack, 64 * MIB + slack);
    assert_int_equal(mem_peak_reset(0), 0);
    assert_int_equal(mem_peak_read(0, &after), 0);
    assert_true(llabs(after - before) < slack);
}

static void test_threads_are_counted(void **state)
{
    (void)state;
    assert_int_equal(mem_thread_count(), 1);
}

static void test_backends_are_found_by_all_their_names(void **state)
{
    struct mem_reader reader;
    size_t count = 0;

    (void)state;
    for (; mem_backend_known(count) != NULL; count++) {
        const char *name = mem_backend_known(count);
        int backend = mem_backend_find(name);

        assert_true(backend >= 0);
        if (count <= MEM_TRACEMALLOC)
            assert_string_equal(mem_backend_name((enum mem_backend)backend), name);
    }
    assert_int_equal(count, 8);
    assert_int_equal(mem_backend_find("posix"), MEM_RSS);
    assert_int_equal(mem_backend_find("psutil"), MEM_RSS);
    assert_int_equal(mem_backend_find("psutil_pss"), MEM_PSS);
    assert_int_equal(mem_backend_find("psutil_uss"), MEM_USS);
    assert_int_equal(mem_backend_find("RSS"), -EINVAL);
    assert_int_equal(mem_backend_find(""), -EINVAL);
    assert_int_equal(mem_reader_init(&reader, 0, MEM_TRACEMALLOC), -ENOSYS);
    mem_reader_release(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_is_seen_by_every_backend),
        cmocka_unit_test(test_forked_child_reads_itself),
        cmocka_unit_test(test_reader_survives_a_program_that_takes_its_descriptor),
        cmocka_unit_test(test_a_reader_that_rests_has_no_descriptor),
        cmocka_unit_test(test_other_processes_and_the_dead),
        cmocka_unit_test(test_peak_remembers_and_resets),
        cmocka_unit_test(test_threads_are_counted),
        cmocka_unit_test(test_backends_are_found_by_all_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
