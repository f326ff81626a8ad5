#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memprof/machine/smaps_text.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_mapping),
        cmocka_unit_test(test_damaged_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
