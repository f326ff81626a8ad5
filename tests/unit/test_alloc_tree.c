#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "heap_fixture.h"
#include "memprof/heap/alloc_tree.h"

static void check_key(const struct alloc_tree *tree, uint32_t node, uint32_t parent, uint32_t code,
                      uint32_t offset)
{
    const struct alloc_key *key = alloc_tree_key(tree, node);

    assert_int_equal(key->parent, parent);
    assert_int_equal(key->code, code);
    assert_int_equal(key->offset, offset);
}

static void test_the_same_call_is_the_same_node(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(0);
    uint32_t first, second;

    (void)state;
    assert_non_null(tree);
    assert_int_equal(alloc_tree_count(tree), ALLOC_ROOTS);
    first = alloc_tree_child(tree, ALLOC_PYTHON, 7, 100);
    second = alloc_tree_child(tree, first, 7, 100);
    assert_int_equal(first, ALLOC_ROOTS);
    assert_int_equal(second, ALLOC_ROOTS + 1);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 7, 102), second + 1);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 8, 100), second + 2);
    assert_int_equal(alloc_tree_child(tree, ALLOC_NO_PYTHON, 7, 100), second + 3);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 7, 100), first);
    assert_int_equal(alloc_tree_child(tree, first, 7, 100), second);
    assert_int_equal(alloc_tree_child(tree, ALLOC_NONE, 7, 100), ALLOC_NONE);
    assert_int_equal(alloc_tree_count(tree), second + 4);
    check_key(tree, first, ALLOC_PYTHON, 7, 100);
    check_key(tree, second, first, 7, 100);
    check_key(tree, ALLOC_NO_PYTHON, ALLOC_NONE, 0, ALLOC_NO_PYTHON);
    check_key(tree, ALLOC_PYTHON, ALLOC_NONE, 0, ALLOC_PYTHON);
    assert_int_equal(tree->n_over_budget + tree->n_folded, 0);
    alloc_tree_free(tree);
    alloc_tree_free(NULL);
}

#define MANY 100000

/* The key of the i-th of many nodes, each under one that came before it; codes alternate. */
static struct alloc_key many_key(uint32_t i)
{
    struct alloc_key key = {.parent = ALLOC_PYTHON, .code = 1 + i % 2, .offset = i};

    if (i > 0)
        key.parent = ALLOC_ROOTS + (i * UINT32_C(2654435761)) % i;
    return key;
}

static void test_numbers_and_owners_stay(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(0);
    struct heap_owner **owners = calloc(MANY, sizeof *owners);

    (void)state;
    assert_non_null(owners);
    for (uint32_t i = 0; i < MANY; i++) {
        struct alloc_key key = many_key(i);

        assert_int_equal(alloc_tree_child(tree, key.parent, key.code, key.offset), ALLOC_ROOTS + i);
        owners[i] = alloc_tree_owner(tree, ALLOC_ROOTS + i);
        assert_int_equal(owners[i]->bytes, 0);
        owners[i]->bytes = i;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        struct alloc_key key = many_key(i);

        assert_int_equal(alloc_tree_child(tree, key.parent, key.code, key.offset), ALLOC_ROOTS + i);
        assert_ptr_equal(alloc_tree_owner(tree, ALLOC_ROOTS + i), owners[i]);
        assert_int_equal(owners[i]->bytes, i);
        assert_int_equal((uintptr_t)owners[i] % 64, 0);
    }
    free(owners);
    alloc_tree_free(tree);
}

static void test_bytes_are_what_is_resident_and_few(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(0);
    void *starts[40];
    size_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        struct alloc_key key = many_key(i);
        uint32_t node = alloc_tree_child(tree, key.parent, key.code, key.offset);

        alloc_tree_owner(tree, node)->bytes = 1;
    }
    starts[n++] = tree;
    starts[n++] = tree->slots;
    for (size_t i = 0; tree->chunks[i] != NULL; i++)
        starts[n++] = tree->chunks[i];
    assert_int_equal(alloc_tree_bytes(tree), resident_of(starts, n));
    assert_true(alloc_tree_bytes(tree) < MANY * (size_t)100);
    alloc_tree_free(tree);
}

static void test_beyond_the_budget_the_caller_owns(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(ALLOC_ROOTS + 2);
    uint32_t first, second;

    (void)state;
    first = alloc_tree_child(tree, ALLOC_PYTHON, 1, 0);
    second = alloc_tree_child(tree, first, 2, 0);
    assert_int_equal(alloc_tree_child(tree, first, 3, 0), first);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 4, 0), ALLOC_PYTHON);
    assert_int_equal(tree->n_over_budget, 2);
    assert_int_equal(alloc_tree_child(tree, first, 2, 0), second);
    assert_int_equal(alloc_tree_count(tree), ALLOC_ROOTS + 2);
    assert_int_equal(tree->n_over_budget, 2);
    alloc_tree_free(tree);
    tree = alloc_tree_new(1); /* the roots are always there */
    assert_int_equal(alloc_tree_child(tree, ALLOC_NO_PYTHON, 1, 0), ALLOC_NO_PYTHON);
    alloc_tree_free(tree);
    tree = alloc_tree_new(UINT32_MAX);
    assert_int_equal(tree->max_nodes, ALLOC_TREE_MOST_NODES);
    alloc_tree_free(tree);
}

static void test_without_memory_the_caller_owns(void **state)
{
    struct alloc_tree *tree;
    uint32_t made = ALLOC_ROOTS;

    (void)state;
    for (maps_left = 0; maps_left < 3; maps_left++) {
        int maps = maps_left;

        assert_null(alloc_tree_new(0));
        maps_left = maps;
    }
    tree = alloc_tree_new(0);
    maps_left = 0;
    while (alloc_tree_child(tree, ALLOC_PYTHON, 1, made) == made)
        made++;
    assert_true(made > 500 && made < ALLOC_CHUNK_NODES);
    assert_int_equal(tree->n_over_budget, 1);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 1, made), ALLOC_PYTHON);
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 1, made - 1), made - 1);
    maps_left = -1;
    assert_int_equal(alloc_tree_child(tree, ALLOC_PYTHON, 1, made), made);
    assert_int_equal(tree->n_over_budget, 2);
    alloc_tree_free(tree);
}

static void test_a_short_row_of_recursion_stays_as_deep_as_it_is(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(0);
    uint32_t node = ALLOC_PYTHON;

    (void)state;
    for (uint32_t depth = 0; depth < ALLOC_TREE_RUN; depth++) {
        uint32_t child = alloc_tree_child(tree, node, 5, 10);

        assert_int_not_equal(child, node);
        node = child;
    }
    assert_int_equal(tree->n_folded, 0);
    assert_int_equal(alloc_tree_child(tree, node, 5, 10), node);
    assert_int_equal(tree->n_folded, 1);
    assert_int_not_equal(alloc_tree_child(tree, node, 5, 20), node); /* another line of it */
    assert_int_not_equal(alloc_tree_child(tree, node, 6, 10), node); /* another code */
    alloc_tree_free(tree);
}

/* The offsets of code 1 (a bit each) that stand in a stack; those of others are above. */
static uint64_t instructions_of(const struct alloc_tree *tree, uint32_t node)
{
    uint64_t found = 0;

    for (; node >= ALLOC_ROOTS; node = alloc_tree_key(tree, node)->parent) {
        const struct alloc_key *key = alloc_tree_key(tree, node);

        found |= UINT64_C(1) << (key->offset + (key->code == 1 ? 0 : 32));
    }
    return found;
}

/* Stacks of two codes that recurse, in any order; whatever is folded, their instructions stay. */
static void check_random_stacks(struct alloc_tree *tree, uint32_t n_offsets, int rarely)
{
    for (int stack = 0; stack < 300; stack++) {
        uint32_t node = ALLOC_PYTHON;
        uint64_t instructions = 0;

        for (int depth = 0; depth < 300; depth++) {
            uint32_t code = rarely != 0 && random_below((size_t)rarely) == 0 ? 2 : 1;
            uint32_t offset = (uint32_t)random_below(n_offsets);

            node = alloc_tree_child(tree, node, code, offset);
            instructions |= UINT64_C(1) << (offset + (code == 1 ? 0 : 32));
            assert_int_equal(alloc_tree_key(tree, node)->code, code);
            assert_int_equal(alloc_tree_key(tree, node)->offset, offset);
            assert_true(alloc_tree_key(tree, node)->parent < node);
            assert_int_equal(instructions_of(tree, node), instructions);
        }
    }
}

static void test_folding_keeps_the_instructions_of_a_stack(void **state)
{
    struct alloc_tree *tree = alloc_tree_new(0);

    (void)state;
    random_seed(5);
    check_random_stacks(tree, 2, 0);
    assert_true(alloc_tree_count(tree) < 1500); /* of 90,000 calls */
    check_random_stacks(tree, 1, 0);
    check_random_stacks(tree, 5, 0);
    check_random_stacks(tree, 20, 0);
    check_random_stacks(tree, 3, 15);
    assert_true(tree->n_folded > 100000);
    assert_int_equal(tree->n_over_budget, 0);
    alloc_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_call_is_the_same_node),
        cmocka_unit_test(test_numbers_and_owners_stay),
        cmocka_unit_test(test_bytes_are_what_is_resident_and_few),
        cmocka_unit_test(test_beyond_the_budget_the_caller_owns),
        cmocka_unit_test(test_without_memory_the_caller_owns),
        cmocka_unit_test(test_a_short_row_of_recursion_stays_as_deep_as_it_is),
        cmocka_unit_test(test_folding_keeps_the_instructions_of_a_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
