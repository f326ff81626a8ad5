#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/sampling/self_samples.h"

#define MANY 100000 /* several chunks */

/* A few pages of code and stack are touched for the first time; a sanitizer keeps more beside. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRAY_PAGES 400
#else
#define STRAY_PAGES 16
#endif

static void fill(struct self_samples *samples, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(self_samples_add(samples, (struct self_sample){.bytes = i, .child = -i}),
                         0);
}

static void test_order(void **state)
{
    struct self_samples samples = {0};

    (void)state;
    for (int round = 0, counts[] = {1, MANY, 10922, 10923}; round < 4; round++) {
        size_t count;
        struct self_sample *taken;

        fill(&samples, counts[round]);
        taken = self_samples_take(&samples, &count);
        assert_int_equal(count, counts[round]);
        for (int i = 0; i < counts[round]; i++) {
            assert_int_equal(taken[i].bytes, i);
            assert_int_equal(taken[i].child, -i);
        }
        free(taken);
        assert_null(self_samples_take(&samples, &count));
        assert_int_equal(count, 0);
        assert_int_equal(self_samples_resident(&samples), 0);
    }
    self_samples_release(&samples);
}

/* What it says of itself is what the kernel says, to the page. */
static void test_resident(void **state)
{
    struct self_samples samples = {0};
    struct mem_reader reader;
    int64_t before, now;

    (void)state;
    /* Once before: so that what a sanitizer keeps beside it is there. */
    fill(&samples, MANY);
    self_samples_release(&samples);
    assert_int_equal(mem_reader_init(&reader, 0, MEM_USS), 0);
    assert_int_equal(mem_reader_read(&reader, &before), 0);
    fill(&samples, MANY);
    assert_int_equal(mem_reader_read(&reader, &now), 0);
    assert_in_range(self_samples_resident(&samples), MANY * sizeof(struct self_sample),
                    MANY * sizeof(struct self_sample) + 3 * (size_t)sysconf(_SC_PAGESIZE));
    assert_true(llabs(now - before - self_samples_resident(&samples)) <=
                STRAY_PAGES * sysconf(_SC_PAGESIZE));
    self_samples_release(&samples);
    assert_int_equal(mem_reader_read(&reader, &now), 0);
    assert_true(now - before <= STRAY_PAGES * sysconf(_SC_PAGESIZE));
    mem_reader_release(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_resident),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
