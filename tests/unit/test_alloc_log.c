/*
 * The log and the hooks of malloc() without any Python: an interpreter's lock is a flag here, and
 * what runs is a number of the thread's own. Traces are random, the same in each run, and what
 * comes out is compared with a reference that copies everything at each peak.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc_fixture.h"
#include "memprof/heap/malloc_hooks.h"

/* ---- tests ---- */

static int set_up(void **state)
{
    (void)state;
    is_holder = false;
    running_code = 0;
    return malloc_hooks_install(NULL) > 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    alloc_log_stop();
    return 0;
}

/* To the byte, the peak and its owners too. */
static void test_a_holder(void **state)
{
    (void)state;
    is_holder = true;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct program *program = program_new();
        struct alloc_log *log = start();

        random_seed(seed);
        for (int i = 0; i < EVENTS; i++)
            one_event(program);
        alloc_log_stop();
        assert_laws(log);
        assert_counts(log, program);
        assert_peak(log, program);
        free_all(program);
    }
}

/* Alone, what does not hold writes later, but in its order: the peak is the same. */
static void test_a_thread_that_does_not_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct program *program = program_new();
        struct alloc_log *log = start();

        random_seed(seed);
        for (int i = 0; i < EVENTS; i++)
            one_event(program);
        alloc_log_stop();
        assert_laws(log);
        assert_counts(log, program);
        assert_peak(log, program);
        free_all(program);
    }
}

/* Threads take turns, of any length: who has the turn holds the lock, or not. What one allocates
 * another frees. */
#define THREADS 4

struct turns {
    struct program *program;
    _Atomic(int) turn;
    int left; /* events */
    bool never_hold;
};

struct player {
    struct turns *turns;
    int number;
};

static void *take_turns(void *context)
{
    const struct player *player = context;
    struct turns *turns = player->turns;
    bool more = true;

    while (more) {
        while (atomic_load(&turns->turn) % THREADS != player->number)
            sched_yield();
        is_holder = !turns->never_hold && random_below(2) == 0;
        for (size_t n = random_below(40); n > 0 && turns->left > 0; n--, turns->left--)
            one_event(turns->program);
        is_holder = false;
        more = turns->left > 0;
        atomic_fetch_add(&turns->turn, 1);
    }
    return NULL;
}

static void play(struct turns *turns)
{
    struct player players[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        players[i] = (struct player){turns, i};
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &players[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void test_threads_in_turns(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct turns turns = {.program = program_new()};
        struct alloc_log *log = start();

        random_seed(seed);
        turns.left = 2 * EVENTS;
        turns.never_hold = seed % 3 == 0;
        play(&turns);
        alloc_log_stop();
        assert_counts(log, turns.program);
        assert_laws(log);
        /* What lay in rings, and the blocks that filled them. */
        assert_true(llabs(heap_ledger_peak(&log->ledger) - turns.program->peak) <=
                    THREADS * (ALLOC_RING_BYTES + 200000));
        free_all(turns.program);
    }
}

/* A block is freed, by who holds, before the thread that made it has written that down. */
static void *allocate_here(void *context)
{
    running_code = 1;
    *(void **)context = opaque(malloc(1000));
    running_code = 0;
    return NULL;
}

static pthread_barrier_t barrier;

static void *allocate_and_wait(void *context)
{
    allocate_here(context);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void test_freed_before_it_is_written(void **state)
{
    struct alloc_log *log = start();
    struct heap_sums sums;
    pthread_t thread;
    void *block, *big;

    (void)state;
    pthread_barrier_init(&barrier, NULL, 2);
    is_holder = true;
    assert_int_equal(pthread_create(&thread, NULL, allocate_and_wait, &block), 0);
    pthread_barrier_wait(&barrier);
    free(block);
    running_code = 2;
    big = opaque(malloc(5000)); /* the peak is sealed here */
    free(big);
    running_code = 0;
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    alloc_log_stop();
    assert_laws(log);
    sums = sums_of(log, 1);
    assert_int_equal(sums.allocated_bytes, 1000);
    assert_int_equal(sums.at_peak_bytes, 0);
    assert_int_equal(heap_ledger_peak(&log->ledger), 5000);
    pthread_barrier_destroy(&barrier);
}

/* A thread that ends hands its ring over. */
static void test_threads_that_end(void **state)
{
    struct alloc_log *log = start();
    pthread_t thread;
    void *block;

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(pthread_create(&thread, NULL, allocate_here, &block), 0);
        pthread_join(thread, NULL);
        assert_int_equal(log->ledger.live, 1000);
        free(block);
        alloc_log_lock(log);
        alloc_log_unlock(log);
        is_holder = true;
        free(opaque(malloc(1)));
        is_holder = false;
        alloc_log_stop();
        assert_laws(log);
        assert_int_equal(log->ledger.live, 0);
        log = start();
    }
}

/* Of a code object's block it is told, whoever frees it. */
static void test_the_block_of_a_code(void **state)
{
    struct alloc_log *log = start();
    struct shadow_unseen unseen;
    void *block;

    (void)state;
    for (int i = 0; i < 4; i++) {
        running_code = (uint32_t)i & 1;
        block = opaque(malloc(100));
        running_code = 0;
        assert_true(shadow_mark_code(log->shadow, block, &unseen));
        atomic_store(&n_codes_freed, 0);
        is_holder = i >= 2;
        free(block);
        assert_int_equal(atomic_load(&n_codes_freed), 1);
    }
    alloc_log_stop();
    assert_laws(log);
}

/* Blocks from before the start, and frees after the stop. */
static void test_before_and_after(void **state)
{
    struct program *program = program_new();
    void *early = opaque(malloc(500)), *grown = opaque(malloc(500)), *late;
    struct alloc_log *log = start(), *again = NULL;

    (void)state;
    assert_int_equal(alloc_log_start(&again, 0, log), -EBUSY);
    assert_true(malloc_hooks_install(NULL) > 0);
    running_code = 1;
    free(early);
    grown = opaque(realloc(grown, 700));
    late = opaque(malloc(90));
    running_code = 0;
    alloc_log_stop();
    alloc_log_stop();
    free(grown);
    free(late);
    assert_laws(log);
    assert_int_equal(log->ledger.live, 790);
    log = start();
    assert_int_equal(log->ledger.live, 0);
    random_seed(7);
    for (int i = 0; i < EVENTS; i++)
        one_event(program);
    alloc_log_stop();
    assert_laws(log);
    assert_counts(log, program);
    free_all(program);
}

/* What is paused is the tool's; a program's block that it frees, or moves, is gone. */
static void test_paused(void **state)
{
    struct alloc_log *log = start();
    void *first, *second, *kept;

    (void)state;
    running_code = 1;
    first = opaque(malloc(100));
    second = opaque(malloc(200));
    kept = opaque(malloc(300));
    alloc_pause();
    free(first);
    second = opaque(realloc(second, 2000));
    assert_null(opaque(realloc(opaque(kept), too_much)));
    first = opaque(malloc(10));
    alloc_resume();
    free(first);
    free(second);
    running_code = 0;
    alloc_log_stop();
    assert_laws(log);
    assert_int_equal(log->ledger.live, 300);
    assert_int_equal(sums_of(log, 1).allocated_bytes, 600);
    free(kept);
}

/* ---- threads without turns ---- */

static _Atomic(bool) is_over;

static void *churn(void *context)
{
    void *blocks[16] = {NULL};

    (void)context;
    running_code = 3;
    for (unsigned i = 0; !atomic_load(&is_over); i++) {
        free(blocks[i % 16]);
        blocks[i % 16] = opaque(malloc(1 + i * 37 % 3000));
    }
    running_code = 0;
    for (int i = 0; i < 16; i++)
        free(blocks[i]);
    return NULL;
}

static void churn_begins(pthread_t threads[2])
{
    atomic_store(&is_over, false);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, NULL), 0);
}

static void churn_ends(pthread_t threads[2])
{
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

/* The log is made anew under the hands of threads that are in hooks. */
static void test_start_and_stop_while_threads_allocate(void **state)
{
    pthread_t threads[2];

    (void)state;
    churn_begins(threads);
    for (int i = 0; i < 150; i++) {
        struct program *program = program_new();
        struct alloc_log *log = start();

        random_seed((uint64_t)i);
        is_holder = true;
        for (int event = 0; event < 50; event++)
            one_event(program);
        is_holder = false;
        alloc_log_stop();
        assert_true((int64_t)sums_of(log, 3).left_bytes >= 0);
        free_all(program);
    }
    churn_ends(threads);
}

static int child_of_a_fork(void)
{
    struct program *program;
    struct alloc_log *log;

    if (atomic_load(&alloc_log_active) != NULL)
        return 1;
    program = program_new();
    log = start();
    random_seed(3);
    is_holder = true;
    for (int i = 0; i < 500; i++)
        one_event(program);
    alloc_log_stop();
    assert_laws(log);
    assert_counts(log, program);
    assert_peak(log, program);
    malloc_hooks_follow();
    return 0;
}

/* Both have whole logs, whatever other threads did at the time. */
static void test_fork_while_threads_allocate(void **state)
{
    struct alloc_log *log = start();
    struct program *program = program_new();
    pthread_t threads[2];
    int status;

    (void)state;
    churn_begins(threads);
    random_seed(5);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();

        if (child == 0) {
            alarm(20);
            _exit(child_of_a_fork());
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        is_holder = true;
        for (int event = 0; event < 50; event++)
            one_event(program);
        is_holder = false;
    }
    churn_ends(threads);
    alloc_log_stop();
    for (uint32_t code = 4; code <= CODES; code++)
        assert_int_equal(sums_of(log, code).left_bytes, program->sums[code].left_bytes);
    assert_laws(log);
    free_all(program);
}

/* Without memory for the log nothing begins; without memory for an entry a block is not followed,
 * and errno stays. */
static void test_no_memory(void **state)
{
    const struct alloc_log receiver = {.holds = holds, .node = node, .code_freed = code_freed};
    struct alloc_log *log = NULL;

    (void)state;
    for (int maps = 0; maps < 2; maps++) {
        maps_left = maps;
        assert_int_equal(alloc_log_start(&log, 0, &receiver), -ENOMEM);
        maps_left = -1;
        assert_null(atomic_load(&alloc_log_active));
    }
    start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_holder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_thread_that_does_not_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_in_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_freed_before_it_is_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_that_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_block_of_a_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_before_and_after, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_start_and_stop_while_threads_allocate, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_fork_while_threads_allocate, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
