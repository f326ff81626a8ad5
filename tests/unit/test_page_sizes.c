/* What counts in pages, with the pages of other machines: 16 and 64 KiB, as aarch64 has them. */
#include "box_fixture.h"

#include "memprof/heap/address_bits.h"
#include "memprof/heap/shadow.h"
#include "memprof/machine/black_box_guard.h"
#include "memprof/machine/malloc_block.h"

#define KIB ((size_t)1 << 10)
#define HEAP UINT64_C(0x7f1200000000)

static const size_t sizes[] = {4 * KIB, 16 * KIB, 64 * KIB};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

static size_t page; /* of the machine that is played */

long __real_sysconf(int name);
long __wrap_sysconf(int name);

/* The linker leads the sysconf() of the core here. */
long __wrap_sysconf(int name)
{
    return name == _SC_PAGESIZE && page != 0 ? (long)page : __real_sysconf(name);
}

static uint64_t over; /* where memory was last mapped over what was there */

void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    if ((flags & MAP_FIXED) && (flags & MAP_ANONYMOUS))
        over = (uintptr_t)address;
    return __real_mmap(address, bytes, protection, flags, file, offset);
}

static int tear_down(void **state)
{
    page = 0;
    return is_there(path) ? tear_down_folder(state) : rmdir(folder);
}

static const void *address(uint64_t at)
{
    return (const void *)(uintptr_t)at;
}

static size_t rounded(size_t bytes)
{
    return (bytes + page - 1) / page * page;
}

#ifdef __GLIBC__
static void test_a_block_of_its_own_pages_has_whole_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        page = sizes[i];
        assert_int_equal(malloc_block_bytes(200000, address(HEAP + 16)), rounded(200016));
        assert_int_equal(malloc_block_bytes(200000, address(HEAP + page + 16)), rounded(200016));
        assert_int_equal(malloc_block_bytes(200000, address(HEAP + 32)), 200016);
    }
    page = 64 * KIB; /* not at the begin of one: it lies among others */
    assert_int_equal(malloc_block_bytes(200000, address(HEAP + 4 * KIB + 16)), 200016);
}
#endif

static void set(struct shadow *shadow, uint64_t at)
{
    struct shadow_unseen unseen;

    assert_true(shadow_set(shadow, address(at), 5, 100, &unseen));
}

/* 4 bytes of words for each 16 bytes of the heap. */
static void test_the_table_of_blocks_is_counted_in_whole_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        struct shadow *shadow;
        size_t first;

        page = sizes[i];
        shadow = shadow_new();
        assert_non_null(shadow);
        assert_int_equal(shadow_bytes(shadow), page);
        set(shadow, HEAP);
        first = shadow_bytes(shadow);
        assert_int_equal(first, 5 * page); /* of regions, a region, its slots, a leaf */
        set(shadow, HEAP + 4 * page - 16);
        assert_int_equal(shadow_bytes(shadow), first);
        set(shadow, HEAP + 4 * page);
        assert_int_equal(shadow_bytes(shadow), first + page);
        for (uint64_t at = 0; at < UINT64_C(1) << SHADOW_LEAF_SHIFT; at += 4 * KIB)
            set(shadow, HEAP + at);
        assert_int_equal(shadow_bytes(shadow), first - page + 256 * KIB);
        shadow_clear(shadow);
        assert_int_equal(shadow_bytes(shadow), 2 * page);
        shadow_free(shadow);
    }
}

/* The upper byte may be no part of an address there: of another block it is none. */
static void test_an_address_with_a_tag_is_refused_and_is_no_other(void **state)
{
    const uint64_t tags[] = {0x0F, 0x40, 0xB4, 0xFF};
    struct shadow *shadow = shadow_new();
    struct shadow_unseen unseen;
    struct address_bits bits;

    (void)state;
    assert_non_null(shadow);
    assert_int_equal(address_bits_init(&bits), 0);
    set(shadow, HEAP);
    assert_true(address_bits_add(&bits, address(HEAP)));
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        const void *tagged = address(tags[i] << 56 | HEAP);

        assert_false(shadow_set(shadow, tagged, 6, 100, &unseen));
        assert_int_equal(shadow_peek(shadow, tagged), 0);
        assert_false(address_bits_has(&bits, tagged));
        assert_false(bits.has_failed);
        assert_false(address_bits_add(&bits, tagged));
        assert_true(bits.has_failed);
        bits.has_failed = false;
    }
    assert_int_equal(shadow_peek(shadow, address(HEAP)), 5);
    address_bits_release(&bits);
    shadow_free(shadow);
}

/* What is missing begins at a page, else it could not be mapped. */
static void test_a_file_that_was_cut_is_mended_by_whole_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SIZES; i++) {
        struct black_box box;
        uint64_t from;

        page = sizes[i];
        assert_int_equal(black_box_init(&box), 0);
        assert_non_null(black_box_reserve(&box, 500 * KIB));
        move_box(&box);
        from = box.parts[box.n_parts - 1].offset;
        assert_int_equal(truncate(path, (off_t)(from + 5 * KIB)), 0);
        assert_int_equal(black_box_mend(&box, 0), 0);
        assert_int_equal(over - box.parts[box.n_parts - 1].address, rounded(5 * KIB));
        black_box_release(&box);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __GLIBC__
        cmocka_unit_test_setup_teardown(test_a_block_of_its_own_pages_has_whole_ones, set_up_folder,
                                        tear_down),
#endif
        cmocka_unit_test_setup_teardown(test_the_table_of_blocks_is_counted_in_whole_pages,
                                        set_up_folder, tear_down),
        cmocka_unit_test_setup_teardown(test_an_address_with_a_tag_is_refused_and_is_no_other,
                                        set_up_folder, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_was_cut_is_mended_by_whole_pages,
                                        set_up_folder, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
