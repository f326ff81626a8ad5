/* Stacks for people: merged from a log's nodes, folded for a page, written as lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/flame_tree.h"
#include "plots/flame.h"
#include "plots/flame_fold.h"

#define CODES 7
#define OFFSETS 9

/* Two codes are one function; three offsets are a line. */
static uint64_t place_of(void *context, uint32_t code, uint32_t offset)
{
    (void)context;
    return (uint64_t)(code == 2 ? 1 : code) << 32 | (offset / 3 + 1);
}

/* A log of random stacks, with the numbers of all in `sums`. */
static struct flame_tree random_tree(uint64_t seed, struct heap_sums *sums)
{
    struct alloc_tree *log = alloc_tree_new(0);
    struct heap_ledger ledger;
    struct alloc_view view = {.tree = log, .ledger = &ledger};
    struct flame_tree tree;

    assert_non_null(log);
    heap_ledger_init(&ledger);
    random_seed(seed);
    for (int i = 0; i < 3000; i++) {
        uint32_t node = random_below(20) ? ALLOC_PYTHON : ALLOC_NO_PYTHON;
        size_t depth = random_below(7), size = random_below(4) ? random_below(5000) : 0;

        for (size_t level = 0; node == ALLOC_PYTHON && level < depth; level++)
            node = alloc_tree_child(log, node, 1 + (uint32_t)random_below(CODES),
                                    (uint32_t)random_below(OFFSETS));
        for (; depth > 1 && node > ALLOC_PYTHON && random_below(3); depth--)
            node = alloc_tree_child(log, node, 1 + (uint32_t)random_below(CODES),
                                    (uint32_t)random_below(OFFSETS));
        heap_ledger_alloc(&ledger, alloc_tree_owner(log, node), size);
        if (random_below(3) == 0)
            heap_ledger_free(&ledger, alloc_tree_owner(log, node), size);
    }
    assert_int_equal(flame_tree_make(&tree, &view, place_of, NULL), 0);
    alloc_view_sums(&view, sums);
    assert_true(tree.n < alloc_tree_count(log));
    alloc_tree_free(log);
    return tree;
}

static void assert_sums(const struct heap_sums *left, const struct heap_sums *right)
{
    assert_memory_equal(left, right, sizeof *left);
}

static void test_nothing_is_lost_when_nodes_are_merged(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct heap_sums sums, found = {0}, *inclusive;
        struct flame_tree tree = random_tree(seed, &sums);

        for (size_t i = 0; i < tree.n; i++) {
            const struct flame_node *node = &tree.nodes[i];

            heap_sums_add(&found, &node->own);
            assert_true(i == 0 || node->parent < i);
            for (size_t k = 1; k < i; k++) /* each once */
                assert_false(tree.nodes[k].parent == node->parent &&
                             tree.nodes[k].function == node->function &&
                             tree.nodes[k].line == node->line);
        }
        assert_sums(&found, &sums);
        inclusive = malloc(tree.n * sizeof *inclusive);
        assert_non_null(inclusive);
        flame_nodes_inclusive(tree.nodes, tree.n, inclusive);
        assert_sums(&inclusive[0], &sums);
        free(inclusive);
        flame_tree_release(&tree);
    }
}

static const char *const files[] = {"/a/b/c.py", "d;e.py", "/lib/libx.so", ""};
static const struct flame_function functions[] = {{0, ""},  {0, "f"}, {0, "g"}, {1, "h;h"},
                                                  {2, "x"}, {3, "t"}, {0, "k"}, {1, "m"}};

static struct flame_process process_of(const struct flame_tree *tree)
{
    return (struct flame_process){.name = "one",
                                  .n_files = 4,
                                  .n_functions = 8,
                                  .files = files,
                                  .functions = functions,
                                  .n_nodes = tree->n,
                                  .nodes = tree->nodes};
}

static void test_a_fold_keeps_the_largest_and_all_sums(void **state)
{
    const size_t most[] = {0, 1, 10, 100, 100000};

    (void)state;
    for (size_t m = 0; m < 5; m++) {
        struct heap_sums sums, found = {0}, inclusive[3000];
        struct flame_tree tree = random_tree(7 + m, &sums);
        struct flame_process process = process_of(&tree);
        struct flame flame = {.n_processes = 1, .processes = &process};
        struct flame_fold *folds = flame_folds_make(&flame, most[m]);
        size_t n = 0;
        uint64_t least_kept = UINT64_MAX;

        assert_non_null(folds);
        assert_true(tree.n <= 3000);
        flame_nodes_inclusive(tree.nodes, tree.n, inclusive);
        assert_true(folds->is_kept[0]);
        for (size_t i = 0; i < tree.n; i++) {
            if (folds->is_kept[i])
                heap_sums_add(&found, &tree.nodes[i].own);
            heap_sums_add(&found, &folds->rest[i].own);
            n += i > 0 && folds->is_kept[i];
            assert_true(folds->is_kept[i] || folds->rest[i].n_folded == 0);
            assert_true(i == 0 || !folds->is_kept[i] || folds->is_kept[tree.nodes[i].parent]);
            if (folds->is_kept[i] && inclusive[i].allocated_bytes < least_kept)
                least_kept = inclusive[i].allocated_bytes;
        }
        assert_true(n <= most[m]);
        assert_true(most[m] < 10 || n > 0);
        assert_sums(&found, &sums);
        flame_folds_free(folds, 1);
        flame_tree_release(&tree);
    }
}

static char *written(int (*write)(FILE *, const struct flame *), const struct flame *flame)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(write(out, flame), 0);
    fclose(out);
    return text;
}

static int write_left(FILE *out, const struct flame *flame)
{
    return flame_stacks_write(out, flame, FLAME_LEFT);
}

#define OWN(left, peak)                                                                            \
    {                                                                                              \
        .left_bytes = (left), .at_peak_bytes = (peak), .allocations = 1                            \
    }

static void test_lines_of_text(void **state)
{
    const struct flame_node nodes[] = {
        {.own = OWN(5, 0)},
        {.parent = 0, .function = 1, .line = 3, .own = OWN(0, 7)},
        {.parent = 1, .function = 3, .line = 8, .own = OWN(11, 0)},
        {.parent = 2, .function = 4, .line = 0, .own = OWN(13, 0)},
        {.parent = 0, .function = FLAME_NO_PYTHON, .own = OWN(17, 0)},
        {.parent = 0, .function = 5, .own = OWN(0, 0)},
        {.parent = 5, .function = 2, .line = 1, .own = OWN(19, 0)},
    };
    struct flame_tree tree = {.n = 7, .nodes = (struct flame_node *)(uintptr_t)nodes};
    struct flame_process processes[2] = {process_of(&tree), process_of(&tree)};
    struct flame flame = {.n_processes = 1, .processes = processes};
    char *text = written(write_left, &flame);

    (void)state;
    assert_string_equal(text, "(Python without a frame) 5\n"
                              "f (c.py:3);h\\x3bh (d\\x3be.py:8) 11\n"
                              "f (c.py:3);h\\x3bh (d\\x3be.py:8);x (libx.so) 13\n"
                              "(no Python) 17\n"
                              "t;g (c.py:1) 19\n");
    free(text);
    flame.n_processes = 2;
    text = written(write_left, &flame);
    assert_non_null(strstr(text, "one;(no Python) 17\none;t;g (c.py:1) 19\none;(Python without"));
    free(text);
}

static void test_a_stream_that_takes_nothing(void **state)
{
    struct heap_sums sums;
    struct flame_tree tree = random_tree(3, &sums);
    struct flame_process process = process_of(&tree);
    struct flame flame = {.title = "", .subtitle = "", .n_processes = 1, .processes = &process};
    int (*const ways[])(FILE *, const struct flame *) = {write_left, flame_page_write,
                                                         flame_json_write};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        FILE *full = fopen("/dev/full", "w");

        assert_non_null(full);
        assert_int_equal(ways[i](full, &flame), -EIO);
        fclose(full);
    }
    flame_tree_release(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_when_nodes_are_merged),
        cmocka_unit_test(test_a_fold_keeps_the_largest_and_all_sums),
        cmocka_unit_test(test_lines_of_text),
        cmocka_unit_test(test_a_stream_that_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
