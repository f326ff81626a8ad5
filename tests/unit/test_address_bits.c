#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/address_bits.h"

#define HEAP UINT64_C(0x7f1200000000)
#define LEAF (UINT64_C(1) << ADDRESS_BITS_LEAF_SHIFT)
#define REGION (UINT64_C(1) << ADDRESS_BITS_REGION_SHIFT)

static const void *address(uint64_t at)
{
    return (const void *)(uintptr_t)at;
}

static void begin(struct address_bits *bits)
{
    assert_int_equal(address_bits_init(bits), 0);
}

static void test_an_address_is_new_once(void **state)
{
    const uint64_t at[] = {HEAP,        HEAP + 16,     HEAP + 1024, HEAP + LEAF - 16,
                           HEAP + LEAF, HEAP + REGION, 16,          (UINT64_C(1) << 48) - 16};
    struct address_bits bits;

    (void)state;
    begin(&bits);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        assert_false(address_bits_has(&bits, address(at[i])));
        assert_true(address_bits_add(&bits, address(at[i])));
        assert_false(address_bits_add(&bits, address(at[i])));
        assert_true(address_bits_has(&bits, address(at[i])));
    }
    assert_false(address_bits_has(&bits, address(HEAP + 32)));
    assert_false(bits.has_failed);
    address_bits_release(&bits);
    assert_null(bits.regions);
}

static void test_addresses_that_begin_in_the_same_16_bytes_are_one(void **state)
{
    struct address_bits bits;

    (void)state;
    begin(&bits);
    assert_true(address_bits_add(&bits, address(HEAP + 8)));
    assert_false(address_bits_add(&bits, address(HEAP)));
    assert_true(address_bits_add(&bits, address(HEAP + 16)));
    address_bits_release(&bits);
}

static void test_what_is_removed_is_new_again(void **state)
{
    struct address_bits bits;

    (void)state;
    begin(&bits);
    address_bits_remove(&bits, address(HEAP)); /* where nothing ever was */
    assert_true(address_bits_add(&bits, address(HEAP)));
    assert_true(address_bits_add(&bits, address(HEAP + 16)));
    address_bits_remove(&bits, address(HEAP));
    assert_false(address_bits_has(&bits, address(HEAP)));
    assert_true(address_bits_has(&bits, address(HEAP + 16)));
    assert_true(address_bits_add(&bits, address(HEAP)));
    address_bits_release(&bits);
}

/* A model that is a table: what the bits say is what the table says. */
static void test_as_a_table_says(void **state)
{
    enum { N = 1 << 16, STEPS = 200000 };
    static bool is_there[N];
    struct address_bits bits;

    (void)state;
    begin(&bits);
    random_seed(20);
    for (int i = 0; i < STEPS; i++) {
        size_t key = random_below(N);
        /* Half of them side by side, half of them apart. */
        const void *place = address(HEAP + (key % 2 == 0 ? key * 16 : REGION + key * 65536));

        if (random_below(3) == 0) {
            address_bits_remove(&bits, place);
            is_there[key] = false;
        } else {
            assert_int_equal(address_bits_add(&bits, place), !is_there[key]);
            is_there[key] = true;
        }
        assert_int_equal(address_bits_has(&bits, place), is_there[key]);
    }
    address_bits_release(&bits);
}

struct numbered {
    const struct address_bits *bits;
    uint64_t last;
    uint32_t n;
};

static int check_number(const void *place, void *context)
{
    struct numbered *numbered = context;
    uint64_t at = (uintptr_t)place;

    assert_true(numbered->n == 0 || at > numbered->last);
    numbered->last = at;
    assert_int_equal(address_bits_number_of(numbered->bits, place), numbered->n);
    assert_ptr_equal(address_bits_nth(numbered->bits, numbered->n), place);
    assert_int_equal(address_bits_number_of(numbered->bits, address(at + 16)),
                     address_bits_has(numbered->bits, address(at + 16)) ? numbered->n + 1
                                                                        : ADDRESS_BITS_NONE);
    numbered->n++;
    return numbered->n == 9999 ? 7 : 0;
}

static void test_numbers_are_in_the_order_of_addresses(void **state)
{
    struct numbered numbered = {.n = 0};
    struct address_bits bits;
    uint32_t n, added = 0;

    (void)state;
    begin(&bits);
    assert_int_equal(address_bits_number(&bits, &n), 0);
    assert_int_equal(n, 0);
    assert_null(address_bits_nth(&bits, 0));
    random_seed(21);
    for (int i = 0; i < 5000; i++) {
        size_t key = random_below(1 << 16);

        added += address_bits_add(&bits, address(HEAP + key * 16));
        added += address_bits_add(&bits, address(REGION * (key % 9) + key * 65536));
    }
    assert_int_equal(address_bits_number(&bits, &n), 0);
    assert_int_equal(n, added);
    numbered.bits = &bits;
    assert_int_equal(address_bits_each(&bits, check_number, &numbered), n >= 9999 ? 7 : 0);
    assert_int_equal(numbered.n, n >= 9999 ? 9999 : n);
    assert_null(address_bits_nth(&bits, n));
    assert_int_equal(address_bits_number_of(&bits, address(UINT64_C(1) << 48)), ADDRESS_BITS_NONE);
    assert_int_equal(address_bits_number_of(&bits, address(REGION * 100)), ADDRESS_BITS_NONE);
    address_bits_release(&bits);
}

static void test_addresses_that_no_program_has_are_refused(void **state)
{
    struct address_bits bits;

    (void)state;
    begin(&bits);
    assert_false(address_bits_has(&bits, address(UINT64_C(1) << 48)));
    assert_false(address_bits_add(&bits, address(UINT64_C(1) << 48)));
    assert_true(bits.has_failed);
    address_bits_release(&bits);
}

static void test_without_memory_it_fails_and_can_be_released(void **state)
{
    struct address_bits bits;

    (void)state;
    maps_left = 0;
    assert_int_equal(address_bits_init(&bits), -ENOMEM);
    maps_left = 1;
    begin(&bits);
    assert_false(address_bits_add(&bits, address(HEAP)));
    assert_true(bits.has_failed);
    maps_left = -1;
    assert_true(address_bits_add(&bits, address(HEAP)));
    address_bits_release(&bits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_is_new_once),
        cmocka_unit_test(test_addresses_that_begin_in_the_same_16_bytes_are_one),
        cmocka_unit_test(test_what_is_removed_is_new_again),
        cmocka_unit_test(test_as_a_table_says),
        cmocka_unit_test(test_numbers_are_in_the_order_of_addresses),
        cmocka_unit_test(test_addresses_that_no_program_has_are_refused),
        cmocka_unit_test(test_without_memory_it_fails_and_can_be_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
