/* A profiler of one function with a code nested in it, in one thread, without Python. */
#ifndef TESTS_LINE_FIXTURE_H
#define TESTS_LINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memprof/lines/line_event.h"
#include "memprof/lines/line_lifetime.h"

/* A program whose memory is whatever the test says. */
static int64_t memory;
static int n_finished;
static struct line_table finished_copy;

static inline int read_memory(void *context, int64_t *bytes)
{
    (void)context;
    *bytes = memory;
    return 0;
}

static inline void remember(struct line_function *function, struct line_table *table)
{
    (void)function;
    finished_copy = *table;
    n_finished++;
}

struct fixture {
    struct meter meter;
    struct line_engine engine;
    struct line_profiler profiler;
    struct line_stack stack;
    struct line_code code, nested;
    struct line_function *function;
};

static char frame_a __attribute__((unused)), frame_b __attribute__((unused)); /* addresses */

static inline void set_up_engine(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->meter.read = read_memory;
    f->engine.meters[0] = &f->meter;
    f->engine.n_meters = 1;
    memory = 1000;
    n_finished = 0;
}

static inline void set_up_function(struct fixture *f, int per_call)
{
    line_profiler_init(&f->profiler, &f->engine, 0);
    f->profiler.survives = !per_call;
    f->profiler.finished = remember;
    f->function = line_function_new(&f->profiler, 10, 6, per_call);
    assert_non_null(f->function);
    f->function->always_on = 1;
    f->code.first_line = 10;
    f->nested.first_line = 12;
    assert_int_equal(line_watch_add(f->function, &f->code, 1), 0);
    assert_int_equal(line_watch_add(f->function, &f->nested, 0), 0);
    assert_int_equal(line_stack_init(&f->stack, &f->engine, 2), 0);
}

static inline void set_up(struct fixture *f, int per_call)
{
    set_up_engine(f);
    set_up_function(f, per_call);
}

static inline void tear_down(struct fixture *f)
{
    line_code_forget(&f->code);
    line_code_forget(&f->nested);
    line_profiler_clear(&f->profiler);
    line_stack_release(&f->stack);
}

static inline void check_row(const struct fixture *f, int line, int64_t increment, uint64_t hits)
{
    const struct line_row *row = line_table_row(f->function->table, line);

    assert_int_equal(row->increment, increment);
    assert_int_equal(row->hits, hits);
}

static inline void check_ledger(const struct fixture *f)
{
    const struct line_table *table = f->function->table;

    assert_int_equal(line_table_sum(table), table->entry_bytes + table->segments_bytes);
}

static inline void step(struct fixture *f, int line, int64_t growth)
{
    line_event_line(&f->stack, line);
    memory += growth;
}

#endif
