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
#include "memprof/machine/smaps_text.h"

#define MIB (INT64_C(1) << 20)
#define SLACK (INT64_C(256) * 1024)

static void read_text(const char *const *lines, size_t n_lines, uint64_t stack,
                      struct resident_parts *parts)
{
    struct smaps_reader reader;

    smaps_begin(&reader, &stack, 1, parts);
    for (size_t i = 0; i < n_lines; i++)
        smaps_line(&reader, lines[i]);
}

#define READ(lines, stack, parts) read_text(lines, sizeof(lines) / sizeof *(lines), stack, parts)

static void test_each_kind_of_mapping(void **state)
{
    static const char *const lines[] = {
        "00001000-00003000 r-xp 00000000 08:01 7   /usr/lib/a file (deleted)",
        "Size: 8 kB",
        "Rss: 1 kB",
        "Swap: 3 kB",
        "00003000-00004000 rw-p 00000000 08:01 7   /usr/lib/a file (deleted)",
        "Rss: 2 kB",
        "00005000-00006000 rw-p 00000000 00:00 0                          [heap]",
        "Rss: 4 kB",
        "Swap: 5 kB",
        "00006000-00008000 rw-p 00000000 00:00 0 ",
        "Rss: 8 kB",
        "00008000-00009000 ---p 00000000 00:00 0 ",
        "Rss: 0 kB",
        "0000a000-0000c000 rw-p 00000000 00:00 0 ", /* of a thread: the stack lies in it */
        "Rss: 16 kB",
        "0000c000-0000d000 rw-p 00000000 00:00 0   [stack]",
        "Rss: 32 kB",
        "0000d000-0000e000 rw-s 00000000 00:01 9   /memfd:x (deleted)",
        "Rss: 64 kB",
        "0000e000-0000f000 rw-s 00000000 00:01 9   /dev/zero (deleted)",
        "Rss: 128 kB",
        "0000f000-00010000 r-xp 00000000 00:00 0   [vdso]",
        "Rss: 256 kB",
        "00010000-00012000 rw-p 00000000 00:00 0   [anon:some name]",
        "Rss: 512 kB",
        "VmFlags: rd wr mr mw me ac",
    };
    struct resident_parts parts;

    (void)state;
    READ(lines, 0xa800, &parts);
    assert_int_equal(parts.files, (1 + 2 + 256) * 1024);
    assert_int_equal(parts.heap, (4 + 8 + 512) * 1024);
    assert_int_equal(parts.stacks, (16 + 32) * 1024);
    assert_int_equal(parts.shared, (64 + 128) * 1024);
    assert_int_equal(parts.rss, 1023 * 1024);
    assert_int_equal(parts.heap_size, 0x1000 + 0x2000 + 0x2000);
    assert_int_equal(parts.swap, 8 * 1024);
}

/* Lines that say nothing change nothing; sums end at what fits. */
static void test_damaged_text(void **state)
{
    static const char *const lines[] = {
        "",
        "zzz",
        "00001000-00003000 rw-p",
        "00003000-00001000 rw-p 00000000 00:00 0 ",
        "Rss:",
        "Rss: -5 kB",
        "Rss: many kB",
        "Rss: 99999999999999999999999 kB",
        "Swap: 9223372036854775807 kB",
    };
    static const char *const large[] = {
        "0000000000000000-ffffffffffffffff rw-p 00000000 00:00 0 ",
        "Rss: 9007199254740991 kB",
        "0000000000000000-ffffffffffffffff rw-p 00000000 00:00 0 [heap]",
        "Rss: 9007199254740991 kB",
    };
    struct resident_parts parts;
    static const struct resident_parts none = {0};

    (void)state;
    READ(lines, 0, &parts);
    assert_memory_equal(&parts, &none, sizeof none);
    READ(large, 0, &parts);
    assert_true(parts.rss == INT64_MAX && parts.heap == 0 && parts.stacks > 0);
    READ(large, UINT64_MAX, &parts);
    assert_true(parts.heap == INT64_MAX && parts.heap_size == INT64_MAX);
}

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
        cmocka_unit_test(test_each_kind_of_mapping),
        cmocka_unit_test(test_damaged_text),
        cmocka_unit_test(test_what_is_touched_is_seen_where_it_belongs),
        cmocka_unit_test(test_what_a_program_begins_with_zeroed_is_its_file_s),
        cmocka_unit_test(test_a_thread_s_stack_is_none_of_the_heap),
        cmocka_unit_test(test_malloc_tells_what_it_gives_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
