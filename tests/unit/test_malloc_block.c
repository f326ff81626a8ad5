#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "memprof/machine/image_range.h"
#include "memprof/machine/malloc_block.h"

static void test_a_block_is_never_less_than_its_size(void **state)
{
    (void)state;
    assert_int_equal(malloc_block_bytes(0, NULL), 0);
    for (size_t size = 1; size < 5000; size++) {
        assert_true(malloc_block_bytes(size, NULL) >= size);
        assert_true(malloc_block_bytes(size, NULL) >= malloc_block_bytes(size - 1, NULL));
        assert_int_equal(malloc_block_bytes(size, NULL) % 16, 0);
    }
}

#ifdef __GLIBC__
static void test_the_word_before_a_block_counts(void **state)
{
    const void *apart = (const void *)(uintptr_t)0x7f1200000010;
    const void *among = (const void *)(uintptr_t)0x7f1200000020;

    (void)state;
    assert_int_equal(malloc_block_bytes(1, NULL), 32);
    assert_int_equal(malloc_block_bytes(24, NULL), 32);
    assert_int_equal(malloc_block_bytes(25, NULL), 48);
    assert_int_equal(malloc_block_bytes(520, NULL), 528);
    assert_int_equal(malloc_block_bytes(521, NULL), 544);
    assert_int_equal(malloc_block_bytes(200000, NULL), 200016);
    assert_int_equal(malloc_block_bytes(200000, among), 200016);
    assert_int_equal(malloc_block_bytes(200000, apart), 49 * 4096);
    assert_int_equal(malloc_block_bytes(1000, apart), 1008);
}
#endif

static void test_what_the_program_has_is_in_its_image(void **state)
{
    static int ours;
    struct image_range range = image_range_of(&ours);
    int on_the_stack = 0;
    void *on_the_heap = malloc(16);

    (void)state;
#ifndef __APPLE__
    assert_true(range.from <= (uintptr_t)&ours && (uintptr_t)&ours < range.to);
    assert_true((uintptr_t)test_what_the_program_has_is_in_its_image >= range.from &&
                (uintptr_t)test_what_the_program_has_is_in_its_image < range.to);
#endif
    assert_false((uintptr_t)&on_the_stack >= range.from && (uintptr_t)&on_the_stack < range.to);
    assert_false((uintptr_t)on_the_heap >= range.from && (uintptr_t)on_the_heap < range.to);
    free(on_the_heap);
    range = image_range_of(NULL);
    assert_int_equal(range.from, 0);
    assert_int_equal(range.to, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_is_never_less_than_its_size),
#ifdef __GLIBC__
        cmocka_unit_test(test_the_word_before_a_block_counts),
#endif
        cmocka_unit_test(test_what_the_program_has_is_in_its_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
