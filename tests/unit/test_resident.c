#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/malloc_state.h"
#include "memprof/machine/resident.h"

#define MIB (INT64_C(1) << 20)
#define SLACK (INT64_C(256) * 1024)

static struct resident_parts now(void)
{
    struct resident_parts parts;

    assert_int_equal(resident_read(&parts), 0);
    assert_int_equal(parts.rss, parts.files + parts.shared + parts.stacks + parts.heap);
    return parts;
}

static void assert_near(int64_t value, int64_t wanted)
{
    assert_in_range(value + MIB, wanted + MIB - SLACK, wanted + MIB + SLACK);
}

static void test_what_is_touched_is_seen_where_it_belongs(void **state)
{
    struct resident_parts before = now(), after;
    char *heap = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(heap != MAP_FAILED && shared != MAP_FAILED);
    memset(heap, 1, 4 * MIB);
    memset(shared, 1, 2 * MIB);
    after = now();
    assert_near(after.heap - before.heap, 4 * MIB);
    assert_near(after.heap_size - before.heap_size, 16 * MIB);
    assert_near(after.shared - before.shared, 2 * MIB);
    munmap(heap, 16 * MIB);
    munmap(shared, 8 * MIB);
}

static char zeroed[8 * MIB]; /* no part of the file that it is loaded from */

static void test_what_a_program_begins_with_zeroed_is_its_file_s(void **state)
{
    struct resident_parts before = now(), after;

    (void)state;
    memset(zeroed, 1, 3 * MIB);
    after = now();
    assert_near(after.files - before.files, 3 * MIB);
    assert_near(after.heap - before.heap, 0);
    assert_near(after.heap_size - before.heap_size, 0);
}

static int from_main[2], from_thread[2];

static void *use_stack(void *unused)
{
    volatile char block[2 * MIB];
    char byte = 1;

    (void)unused;
    for (size_t i = 0; i < sizeof block; i += 512)
        block[i] = 1;
    assert_int_equal(write(from_thread[1], &byte, 1), 1);
    assert_int_equal(read(from_main[0], &byte, 1), 1); /* waits: then the kernel tells its stack */
    return NULL;
}

static void test_a_thread_s_stack_is_none_of_the_heap(void **state)
{
    struct resident_parts before, after;
    pthread_t thread;
    char byte;

    (void)state;
    assert_true(pipe(from_main) == 0 && pipe(from_thread) == 0);
    before = now();
    assert_int_equal(pthread_create(&thread, NULL, use_stack, NULL), 0);
    assert_int_equal(read(from_thread[0], &byte, 1), 1);
    usleep(20000); /* until it reads */
    after = now();
    assert_int_equal(write(from_main[1], &byte, 1), 1);
    pthread_join(thread, NULL);
    assert_near(after.stacks - before.stacks, 2 * MIB);
    assert_near(after.heap - before.heap, 0);
}

static void test_malloc_tells_what_it_gives_out(void **state)
{
    struct malloc_state before, after;
    void *large, *blocks[100];

    (void)state;
    assert_int_equal(malloc_state_read(&before), 0);
    large = malloc(8 * MIB);
    for (int i = 0; i < 100; i++)
        blocks[i] = malloc(10000);
    assert_true(large != NULL && blocks[99] != NULL);
    assert_int_equal(malloc_state_read(&after), 0);
    assert_near(after.mapped - before.mapped, 8 * MIB);
    assert_near(after.used - before.used, 1000000);
    for (int i = 0; i < 99; i++)
        free(blocks[i]);
    before = after;
    assert_int_equal(malloc_state_read(&after), 0);
    assert_near(after.used - before.used + MIB, MIB - 990000);
    assert_near(after.free - before.free, 990000);
    free(large);
    free(blocks[99]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_touched_is_seen_where_it_belongs),
        cmocka_unit_test(test_what_a_program_begins_with_zeroed_is_its_file_s),
        cmocka_unit_test(test_a_thread_s_stack_is_none_of_the_heap),
        cmocka_unit_test(test_malloc_tells_what_it_gives_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
