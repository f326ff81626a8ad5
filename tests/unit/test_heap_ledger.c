#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/heap_ledger.h"

#define OWNERS 7
#define BLOCKS 40

static void check_at_peak(const struct heap_ledger *ledger, const struct heap_owner *owner,
                          uint64_t bytes, uint64_t blocks)
{
    struct heap_sums sums;

    heap_owner_sums(owner, ledger, &sums);
    assert_int_equal(sums.at_peak_bytes, bytes);
    assert_int_equal(sums.at_peak_blocks, blocks);
}

static void test_the_last_instant_of_the_maximum_owns(void **state)
{
    struct heap_owner first = {0}, second = {0};
    struct heap_ledger ledger;

    (void)state;
    heap_ledger_init(&ledger);
    heap_ledger_alloc(&ledger, &first, 100);
    check_at_peak(&ledger, &first, 100, 1);
    heap_ledger_free(&ledger, &first, 100);
    check_at_peak(&ledger, &first, 100, 1);
    heap_ledger_alloc(&ledger, &second, 99);
    check_at_peak(&ledger, &first, 100, 1);
    check_at_peak(&ledger, &second, 0, 0);
    heap_ledger_free(&ledger, &second, 99);
    heap_ledger_alloc(&ledger, &second, 100); /* as high as before: now it is this one's */
    check_at_peak(&ledger, &first, 0, 0);
    check_at_peak(&ledger, &second, 100, 1);
    heap_ledger_free(&ledger, &second, 100);
    check_at_peak(&ledger, &first, 0, 0);
    check_at_peak(&ledger, &second, 100, 1);
    assert_int_equal(heap_ledger_peak(&ledger), 100);
    assert_int_equal(ledger.live, 0);
}

static void test_sums_of_an_owner(void **state)
{
    struct heap_owner owner = {0};
    struct heap_ledger ledger;
    struct heap_sums sums, twice;

    (void)state;
    heap_ledger_init(&ledger);
    heap_ledger_alloc(&ledger, &owner, 1000);
    heap_ledger_alloc(&ledger, &owner, 0);
    heap_ledger_free(&ledger, &owner, 1000);
    heap_ledger_alloc(&ledger, &owner, 10);
    heap_owner_sums(&owner, &ledger, &sums);
    assert_int_equal(sums.allocated_bytes, 1010);
    assert_int_equal(sums.allocations, 3);
    assert_int_equal(sums.at_peak_bytes, 1000);
    assert_int_equal(sums.at_peak_blocks, 2);
    assert_int_equal(sums.left_bytes, 10);
    assert_int_equal(sums.left_blocks, 2);
    twice = sums;
    heap_sums_add(&twice, &sums);
    for (size_t i = 0; i < sizeof twice / sizeof(uint64_t); i++)
        assert_int_equal(((uint64_t *)&twice)[i], 2 * ((uint64_t *)&sums)[i]);
}

static void test_a_block_that_is_found_gone_counts_as_freed(void **state)
{
    struct heap_owner gone = {0}, owner = {0};
    struct heap_ledger ledger;

    (void)state;
    heap_ledger_init(&ledger);
    heap_ledger_alloc(&ledger, &gone, 500);
    heap_ledger_replace(&ledger, &gone, 500);
    heap_ledger_alloc(&ledger, &owner, 400);
    assert_int_equal(ledger.n_freed_unseen, 1);
    assert_int_equal(ledger.live, 400);
    assert_int_equal(heap_ledger_peak(&ledger), 500);
    assert_int_equal(gone.freed, 500);
    check_at_peak(&ledger, &gone, 500, 1);
    check_at_peak(&ledger, &owner, 0, 0);
}

/* What is true, by copies of everything at each peak. */
struct reference {
    uint64_t live[OWNERS], blocks[OWNERS], bytes[OWNERS], count[OWNERS];
    uint64_t at_peak[OWNERS], blocks_at_peak[OWNERS];
    uint64_t total, peak, n_new_peaks;
};

static void reference_copy(struct reference *reference)
{
    reference->peak = reference->total;
    memcpy(reference->at_peak, reference->live, sizeof reference->live);
    memcpy(reference->blocks_at_peak, reference->blocks, sizeof reference->blocks);
    reference->n_new_peaks++;
}

static void reference_alloc(struct reference *reference, int owner, size_t n)
{
    reference->live[owner] += n;
    reference->blocks[owner]++;
    reference->bytes[owner] += n;
    reference->count[owner]++;
    reference->total += n;
    if (reference->total >= reference->peak)
        reference_copy(reference);
}

static void reference_free(struct reference *reference, int owner, size_t n)
{
    reference->live[owner] -= n;
    reference->blocks[owner]--;
    reference->total -= n;
}

static void check_ledger(const struct heap_ledger *ledger, const struct heap_owner *owners,
                         const struct reference *reference, uint64_t freed)
{
    struct heap_sums all = {0}, sums;

    for (int i = 0; i < OWNERS; i++) {
        heap_owner_sums(&owners[i], ledger, &sums);
        assert_int_equal(sums.allocated_bytes, reference->bytes[i]);
        assert_int_equal(sums.allocations, reference->count[i]);
        assert_int_equal(sums.at_peak_bytes, reference->at_peak[i]);
        assert_int_equal(sums.at_peak_blocks, reference->blocks_at_peak[i]);
        assert_int_equal(sums.left_bytes, reference->live[i]);
        assert_int_equal(sums.left_blocks, reference->blocks[i]);
        heap_sums_add(&all, &sums);
    }
    assert_int_equal(all.at_peak_bytes, heap_ledger_peak(ledger));
    assert_int_equal(all.at_peak_bytes, reference->peak);
    assert_int_equal(all.left_bytes, ledger->live);
    assert_int_equal(all.allocated_bytes - freed, all.left_bytes);
}

struct trace {
    struct heap_ledger ledger;
    struct heap_owner owners[OWNERS];
    struct reference reference;
    struct {
        int owner; /* -1: none */
        size_t size;
    } blocks[BLOCKS];
    uint64_t freed;
};

/* Sizes that meet again and again, so that maxima are reached more than once. */
static size_t some_size(void)
{
    const size_t few[] = {0, 0, 100, 100, 200, 511, 4096};

    return random_below(2) ? few[random_below(7)] : random_below(100001);
}

static void trace_alloc(struct trace *trace, size_t at)
{
    int owner = (int)random_below(OWNERS);
    size_t size = some_size();

    heap_ledger_alloc(&trace->ledger, &trace->owners[owner], size);
    reference_alloc(&trace->reference, owner, size);
    trace->blocks[at].owner = owner;
    trace->blocks[at].size = size;
}

static void trace_free(struct trace *trace, size_t at)
{
    int owner = trace->blocks[at].owner;
    size_t size = trace->blocks[at].size;

    if (random_below(20) == 0)
        heap_ledger_replace(&trace->ledger, &trace->owners[owner], size);
    else
        heap_ledger_free(&trace->ledger, &trace->owners[owner], size);
    reference_free(&trace->reference, owner, size);
    trace->blocks[at].owner = -1;
    trace->freed += size;
}

/*
 * A realloc() that fails after something else: another thread's, where nobody holds the lock. The
 * block was alive at all peaks that the other made.
 */
static void trace_late_put_back(struct trace *trace, size_t at)
{
    int owner = trace->blocks[at].owner;
    struct reference *reference = &trace->reference;
    size_t size = trace->blocks[at].size, other = (at + 1) % BLOCKS;
    bool is_new_peak = false;

    heap_ledger_free(&trace->ledger, &trace->owners[owner], size);
    reference_free(reference, owner, size);
    for (size_t events = random_below(4); events > 0; events--) {
        uint64_t peaks = reference->n_new_peaks;

        if (trace->blocks[other].owner < 0)
            trace_alloc(trace, other);
        else
            trace_free(trace, other);
        is_new_peak = reference->n_new_peaks != peaks;
    }
    heap_ledger_put_back(&trace->ledger, &trace->owners[owner], size);
    reference->live[owner] += size;
    reference->blocks[owner]++;
    reference->total += size;
    if (reference->total > reference->peak || is_new_peak)
        reference_copy(reference);
}

/* A realloc() that fails changes nothing; one that succeeds is a free and an allocation. */
static void trace_realloc(struct trace *trace, size_t at)
{
    struct heap_owner *owner = &trace->owners[trace->blocks[at].owner];

    if (random_below(3) == 0) {
        heap_ledger_free(&trace->ledger, owner, trace->blocks[at].size);
        heap_ledger_put_back(&trace->ledger, owner, trace->blocks[at].size);
    } else if (random_below(4) == 0) {
        trace_late_put_back(trace, at);
    } else {
        trace_free(trace, at);
        trace_alloc(trace, at);
    }
}

static void run_trace(struct trace *trace, int n_events)
{
    memset(trace, 0, sizeof *trace);
    heap_ledger_init(&trace->ledger);
    for (size_t i = 0; i < BLOCKS; i++)
        trace->blocks[i].owner = -1;
    for (int event = 0; event < n_events; event++) {
        size_t at = random_below(BLOCKS);

        if (trace->blocks[at].owner < 0) {
            trace_alloc(trace, at);
        } else if (random_below(3) == 0) {
            trace_realloc(trace, at);
        } else {
            trace_free(trace, at);
        }
        check_ledger(&trace->ledger, trace->owners, &trace->reference, trace->freed);
    }
}

static void run_traces(uint64_t seed, int n)
{
    uint64_t n_new_peaks = 0;
    struct trace trace;

    random_seed(seed);
    for (int i = 0; i < n; i++) {
        run_trace(&trace, 20 + (int)random_below(180));
        n_new_peaks += trace.reference.n_new_peaks;
    }
    assert_true(n_new_peaks > 10 * (uint64_t)n);
}

static void test_owners_are_those_of_a_copy_at_each_peak(void **state)
{
    (void)state;
    run_traces(3, 3000);
}

/* All blocks of a few sizes: the maximum is reached over and over. */
static void test_equal_peaks_again_and_again(void **state)
{
    struct heap_owner owners[2] = {0};
    struct heap_ledger ledger;

    (void)state;
    heap_ledger_init(&ledger);
    for (int i = 0; i < 1000; i++) {
        heap_ledger_alloc(&ledger, &owners[i % 2], 64);
        check_at_peak(&ledger, &owners[i % 2], 64, 1);
        check_at_peak(&ledger, &owners[1 - i % 2], 0, 0);
        heap_ledger_free(&ledger, &owners[i % 2], 64);
        check_at_peak(&ledger, &owners[i % 2], 64, 1);
        check_at_peak(&ledger, &owners[1 - i % 2], 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_instant_of_the_maximum_owns),
        cmocka_unit_test(test_sums_of_an_owner),
        cmocka_unit_test(test_a_block_that_is_found_gone_counts_as_freed),
        cmocka_unit_test(test_owners_are_those_of_a_copy_at_each_peak),
        cmocka_unit_test(test_equal_peaks_again_and_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
