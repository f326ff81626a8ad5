/*
 * Tables and running lines in a box, read as after a crash, wherever it comes. It is longer than
 * 500 lines because all of its tests are of one walk through calls, and of what that leaves.
 */
#include "box_fixture.h"
#include "line_fixture.h"

#include <time.h>

#include "memprof/lines/line_box.h"
#include "memprof/lines/line_box_reader.h"

#define MOST_DEEP 40
#define KILLS 500

/* What a thread of a walk must be seen to be doing: its functions, and the lines they are on. */
struct course {
    int depth;
    int functions[MOST_DEEP], lines[MOST_DEEP];
    int firsts[MOST_DEEP]; /* where a line begins that ends before it was told */
    char keys[MOST_DEEP];
};

/* Two functions, one of them with nested code, in two threads that go where chance says. */
struct walk {
    struct fixture f; /* lines 10 to 15; nested code from 12 on */
    struct line_box box;
    struct line_code other; /* lines 30 to 33 */
    struct line_function *second;
    struct line_stack stacks[2];
    struct course courses[2];
    uint64_t hits[2]; /* starts of lines, and entries, by function */
    uint64_t random;
};

static unsigned chance(struct walk *walk, unsigned n)
{
    walk->random = walk->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(walk->random >> 33) % n;
}

static void set_up_walk(struct walk *walk, uint64_t seed)
{
    memset(walk, 0, sizeof *walk);
    walk->random = seed;
    set_up_engine(&walk->f);
    assert_int_equal(line_box_init(&walk->box, &walk->f.engine, line_stacks_lose), 0);
    line_box_tell_head(&walk->box, "old", 3);
    line_box_tell_head(&walk->box, "head", 4);
    set_up_function(&walk->f, 0);
    line_box_tell_name(&walk->box, walk->f.function->table, "first", 5);
    walk->second = line_function_new(&walk->f.profiler, 30, 4, 0);
    assert_non_null(walk->second);
    walk->second->always_on = 1;
    walk->other.first_line = 30;
    assert_int_equal(line_watch_add(walk->second, &walk->other, 1), 0);
    line_box_tell_name(&walk->box, walk->second->table, "second", 6);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(line_stack_init(&walk->stacks[i], &walk->f.engine, 2), 0);
        line_stack_tell_thread(&walk->stacks[i], (uint64_t)(70 + i));
    }
}

static void tear_down_walk(struct walk *walk)
{
    line_code_forget(&walk->other);
    for (int i = 0; i < 2; i++)
        line_stack_release(&walk->stacks[i]);
    tear_down(&walk->f);
    line_box_release(&walk->box);
}

/* ---- a walk ---- */

/* One event: what happens, in which thread. */
struct event {
    int thread;
    enum { ENTER, ENTER_NESTED, ENTER_OTHER, LINE, LEAVE } what;
    int line;
};

static struct event next_event(struct walk *walk)
{
    struct event event = {.thread = (int)chance(walk, 2), .what = LINE};
    const struct course *course = &walk->courses[event.thread];

    if (course->depth == 0 || (course->depth < MOST_DEEP && chance(walk, 4) == 0))
        event.what = chance(walk, 3);
    else if (chance(walk, 4) == 0)
        event.what = LEAVE;
    else
        event.line = course->functions[course->depth - 1] == 0 ? 11 + (int)chance(walk, 5)
                                                               : 31 + (int)chance(walk, 3);
    memory += (int64_t)chance(walk, 2000) - 900;
    return event;
}

/* A deeper call of a function ends what its caller did, also where no line of that had begun. */
static void begin_line_of_caller(struct course *course, int function)
{
    int at = course->depth - 1;

    while (at >= 0 && course->functions[at] != function)
        at--;
    if (at >= 0 && course->lines[at] == 10)
        course->lines[at] = course->firsts[at];
}

/* What must be seen when it has happened. */
static void follow(struct walk *walk, const struct event *event)
{
    struct course *course = &walk->courses[event->thread];
    int function = event->what == ENTER_OTHER;

    if (event->what == LEAVE) {
        course->depth--;
    } else if (event->what == LINE) {
        course->lines[course->depth - 1] = event->line;
        walk->hits[course->functions[course->depth - 1]]++;
    } else {
        begin_line_of_caller(course, function);
        course->firsts[course->depth] = event->what == ENTER_NESTED ? 12 : function ? 30 : 10;
        course->functions[course->depth] = function;
        course->lines[course->depth] = function ? 30 : 10;
        course->depth++;
        walk->hits[function]++; /* nested code: that its `def` line was entered */
    }
}

/* `depth`: how deep the thread was before. */
static void act(struct walk *walk, const struct event *event, int depth)
{
    const struct course *course = &walk->courses[event->thread];
    struct line_stack *stack = &walk->stacks[event->thread];

    if (event->what == LEAVE)
        line_event_leave(stack, &course->keys[depth - 1], LINE_RETURN);
    else if (event->what == LINE)
        line_event_line(stack, event->line);
    else
        line_event_start(stack,
                         event->what == ENTER          ? &walk->f.code
                         : event->what == ENTER_NESTED ? &walk->f.nested
                                                       : &walk->other,
                         &course->keys[depth]);
}

static void go(struct walk *walk, const struct event *event)
{
    act(walk, event, walk->courses[event->thread].depth);
    follow(walk, event);
}

/* ---- what is read ---- */

static uint64_t hits_of(const struct line_table *table)
{
    uint64_t hits = 0;

    for (int i = 0; i < table->n_rows; i++)
        hits += table->rows[i].hits;
    return hits;
}

static const struct line_box_running *thread_of(const struct line_box_view *view, uint64_t thread)
{
    for (size_t i = 0; i < view->n_running; i++)
        if (view->running[i].thread == thread)
            return &view->running[i];
    return NULL;
}

/* Whether a thread is seen where it is. */
static int is_where(const struct line_box_view *view, uint64_t thread, const struct course *course)
{
    const struct line_box_running *running = thread_of(view, thread);

    if (course->depth == 0 || running == NULL)
        return course->depth == 0 && running == NULL;
    return (int)running->function == course->functions[course->depth - 1] &&
           running->line == course->lines[course->depth - 1];
}

static void check_names(const struct line_box_view *view)
{
    assert_int_equal(view->head_length, 4);
    assert_memory_equal(view->head, "head", 4);
    assert_int_equal(view->n_functions, 2);
    assert_int_equal(view->functions[0].name_length, 5);
    assert_memory_equal(view->functions[0].name, "first", 5);
    assert_memory_equal(view->functions[1].name, "second", 6);
}

/* Between two events nothing is in flight, and all is as the walk has it. */
static void check_all(const struct line_box_view *view, const struct course *courses,
                      const uint64_t *hits)
{
    check_names(view);
    for (size_t i = 0; i < 2; i++) {
        const struct line_box_function *function = &view->functions[i];

        assert_int_equal(line_box_in_flight(function), 0);
        assert_int_equal(line_table_sum(function->table),
                         function->table->entry_bytes + line_box_segments(function));
        assert_int_equal(hits_of(function->table), hits[i]);
        assert_true(is_where(view, 70 + i, &courses[i]));
    }
}

/* The image that a crash would leave now. */
static unsigned char *image_of(const struct walk *walk, size_t *size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    char name[32];
    unsigned char *bytes;

    assert_int_equal(black_box_write(&walk->box.box, fd), 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    bytes = content_of(name, size);
    close(fd);
    return bytes;
}

static void check_image(const struct walk *walk)
{
    struct line_box_view view;
    size_t size;
    unsigned char *bytes = image_of(walk, &size);

    assert_int_equal(line_box_read(&view, bytes, size), 0);
    check_all(&view, walk->courses, walk->hits);
    line_box_view_release(&view);
    free(bytes);
}

static void end_all_calls(struct walk *walk)
{
    for (int i = 0; i < 2; i++)
        while (walk->courses[i].depth > 0) {
            struct event event = {.thread = i, .what = LEAVE};

            go(walk, &event);
        }
}

/* The stacks begin with room for two frames, and grow. */
static void test_between_events_all_is_there(void **state)
{
    struct walk walk;

    (void)state;
    set_up_walk(&walk, 1);
    check_image(&walk);
    for (int i = 0; i < 3000; i++) {
        struct event event = next_event(&walk);

        go(&walk, &event);
        check_image(&walk);
    }
    assert_true(walk.stacks[0].capacity > 2);
    end_all_calls(&walk);
    check_image(&walk);
    tear_down_walk(&walk);
}

static void test_a_table_that_nobody_wants_is_gone(void **state)
{
    struct walk walk;
    struct line_box_view view;
    struct line_table *table;
    size_t size;
    unsigned char *bytes;

    (void)state;
    set_up_walk(&walk, 1);
    table = line_box_table_new(&walk.box, 50, 3);
    assert_true(line_box_has(&walk.box, table));
    line_box_table_free(&walk.box, table);
    check_image(&walk);
    line_code_forget(&walk.other);
    line_code_forget(&walk.f.code);
    line_code_forget(&walk.f.nested);
    line_profiler_clear(&walk.f.profiler);
    bytes = image_of(&walk, &size);
    assert_int_equal(line_box_read(&view, bytes, size), 0);
    assert_int_equal(view.n_functions, 0);
    line_box_view_release(&view);
    free(bytes);
    tear_down_walk(&walk);
}

/* A thread that is gone leaves its slot to another. */
static void test_a_thread_that_is_gone_runs_nothing(void **state)
{
    struct walk walk;
    struct event enter = {.what = ENTER};

    (void)state;
    set_up_walk(&walk, 1);
    go(&walk, &enter);
    check_image(&walk);
    line_stack_clear(&walk.stacks[0]);
    walk.courses[0].depth = 0;
    check_image(&walk);
    tear_down_walk(&walk);
}

/* ---- kills ---- */

/* What a child says of itself, in memory that it shares. */
struct diary {
    uint64_t
        n; /* modulo 3: 0, `after` holds; 1, `before` holds, 2: likewise, and an event goes on */
    struct course before[2], after[2];
    uint64_t hits_before[2], hits[2];
};

static void walk_until_killed(struct diary *diary, uint64_t seed)
{
    struct walk walk;

    signal(SIGSEGV, SIG_DFL); /* not the runner's, which would go on with other tests here */
    set_up_walk(&walk, seed);
    if (black_box_move(&walk.box.box, path) != 0)
        _exit(1);
    for (;;) {
        struct event event = next_event(&walk);

        int depth = walk.courses[event.thread].depth;

        memcpy(diary->before, walk.courses, sizeof diary->before);
        memcpy(diary->hits_before, walk.hits, sizeof diary->hits_before);
        __atomic_fetch_add(&diary->n, 1, __ATOMIC_SEQ_CST);
        follow(&walk, &event);
        memcpy(diary->after, walk.courses, sizeof diary->after);
        memcpy(diary->hits, walk.hits, sizeof diary->hits);
        __atomic_fetch_add(&diary->n, 1, __ATOMIC_SEQ_CST);
        act(&walk, &event, depth);
        __atomic_fetch_add(&diary->n, 1, __ATOMIC_SEQ_CST);
    }
}

static void kill_soon(const struct diary *diary, pid_t child, unsigned microseconds)
{
    struct timespec pause = {.tv_nsec = (long)microseconds * 1000};
    int status;

    while (__atomic_load_n(&diary->n, __ATOMIC_SEQ_CST) < 3)
        assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    assert_int_equal(end_of_child(child), -SIGKILL);
}

/* Likewise, where a frame ends in which no line had begun: it is on its code's first line. */
static int is_at_its_first(const struct line_box_view *view, uint64_t thread, struct course course)
{
    if (course.depth > 0 && course.lines[course.depth - 1] == 10)
        course.lines[course.depth - 1] = course.firsts[course.depth - 1];
    return is_where(view, thread, &course);
}

/* Kills in the middle of an event after which a thread seemed to be elsewhere. */
static int n_misplaced;

/* In an event a thread is where it was, or where it will be; and a line has started, or not yet. */
static void check_torn(const struct line_box_view *view, const struct diary *diary)
{
    check_names(view);
    for (size_t i = 0; i < 2; i++) {
        assert_in_range(hits_of(view->functions[i].table), diary->hits_before[i], diary->hits[i]);
        n_misplaced += !is_where(view, 70 + i, &diary->before[i]) &&
                       !is_where(view, 70 + i, &diary->after[i]) &&
                       !is_at_its_first(view, 70 + i, diary->before[i]);
    }
}

/* Returns whether something was in flight. */
static int check_file(const struct diary *diary)
{
    struct line_box_view view;
    size_t size;
    unsigned char *bytes = content_of(path, &size);
    int in_flight = 0;

    assert_int_equal(line_box_read(&view, bytes, size), 0);
    if (diary->n % 3 == 0)
        check_all(&view, diary->after, diary->hits);
    else if (diary->n % 3 == 1)
        check_all(&view, diary->before, diary->hits_before);
    else
        check_torn(&view, diary);
    for (size_t i = 0; i < view.n_functions; i++)
        in_flight |= line_box_in_flight(&view.functions[i]) != 0;
    line_box_view_release(&view);
    free(bytes);
    return in_flight;
}

static void test_kills_at_random_moments(void **state)
{
    struct diary *diary =
        mmap(NULL, sizeof *diary, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct walk walk;
    int n_torn = 0, n_in_flight = 0;

    (void)state;
    assert_ptr_not_equal(diary, MAP_FAILED);
    set_up_walk(&walk, 5);
    move_box(&walk.box.box); /* or the test is skipped */
    tear_down_walk(&walk);
    for (unsigned i = 0; i < KILLS; i++) {
        pid_t child;

        memset(diary, 0, sizeof *diary);
        child = fork();
        if (child == 0)
            walk_until_killed(diary, i);
        kill_soon(diary, child, chance(&walk, 3000));
        n_torn += diary->n % 3 == 2;
        n_in_flight += check_file(diary);
        unlink(path);
    }
    print_message("%d kills, %d in an event, %d with something in flight, %d misplaced\n", KILLS,
                  n_torn, n_in_flight, n_misplaced);
    assert_true(n_torn > 0);
    assert_true(n_misplaced * 100 <= KILLS);
    munmap(diary, sizeof *diary);
}

/* ---- a file that is cut short ---- */

static void walk_on(struct walk *walk, int n_events)
{
    for (int i = 0; i < n_events; i++) {
        struct event event = next_event(walk);

        go(walk, &event);
    }
}

/* A file of several parts is cut to a share of its size while calls go on. */
static void cut(uint64_t seed, int percent, int grows)
{
    struct walk walk;
    struct stat info;

    set_up_walk(&walk, seed);
    move_box(&walk.box.box);
    for (int i = 0; i < 200; i++)
        assert_non_null(line_box_table_new(&walk.box, 100, 20));
    walk_on(&walk, 300);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size * percent / 100), 0);
    if (grows)
        black_box_grow(&walk.box.box, (size_t)1 << 20);
    walk_on(&walk, 300);
    end_all_calls(&walk);
    assert_true(walk.box.box.was_cut || (percent > 0 && !grows));
    for (int i = 0; i < 2; i++) {
        const struct line_table *table = (i == 0 ? walk.f.function : walk.second)->table;

        assert_int_equal(table->first_line, i == 0 ? 10 : 30);
        assert_int_equal(line_table_sum(table), table->entry_bytes + table->segments_bytes);
        assert_true(hits_of(table) > 0 && hits_of(table) <= walk.hits[i]);
    }
    tear_down_walk(&walk);
    assert_false(is_there(path));
}

static void test_ledgers_balance_when_the_file_was_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        cut(seed, 0, 0);
        cut(seed, 50, 0);
        cut(seed, 50, 1);
        cut(seed, 0, 1);
    }
}

/* A child whose file is cut at some moment: it ends with 0 where its ledgers balance. */
static void walk_until_cut(struct diary *diary, uint64_t seed)
{
    struct walk walk;

    set_up_walk(&walk, seed);
    if (black_box_move(&walk.box.box, path) != 0)
        _exit(1);
    while (!walk.box.box.was_cut) {
        walk_on(&walk, 1);
        __atomic_store_n(&diary->n, 3, __ATOMIC_SEQ_CST);
    }
    walk_on(&walk, 300);
    end_all_calls(&walk);
    for (int i = 0; i < 2; i++) {
        const struct line_table *table = (i == 0 ? walk.f.function : walk.second)->table;

        if (line_table_sum(table) != table->entry_bytes + table->segments_bytes)
            _exit(2 + i);
    }
    tear_down_walk(&walk);
    _exit(0);
}

static void test_a_file_that_is_cut_in_the_middle_of_an_event(void **state)
{
    struct diary *diary =
        mmap(NULL, sizeof *diary, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct walk walk;

    (void)state;
    set_up_walk(&walk, 9);
    move_box(&walk.box.box); /* or the test is skipped */
    tear_down_walk(&walk);
    for (unsigned i = 0; i < KILLS / 4; i++) {
        struct timespec pause = {.tv_nsec = (long)chance(&walk, 100) * 1000};
        pid_t child;

        diary->n = 0;
        child = fork();
        if (child == 0)
            walk_until_cut(diary, i);
        while (__atomic_load_n(&diary->n, __ATOMIC_SEQ_CST) == 0)
            assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        nanosleep(&pause, NULL);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(end_of_child(child), 0);
        assert_false(is_there(path));
    }
    munmap(diary, sizeof *diary);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_events_all_is_there),
        cmocka_unit_test(test_a_table_that_nobody_wants_is_gone),
        cmocka_unit_test(test_a_thread_that_is_gone_runs_nothing),
        IN_A_FOLDER(test_kills_at_random_moments),
        IN_A_FOLDER(test_ledgers_balance_when_the_file_was_cut),
        IN_A_FOLDER(test_a_file_that_is_cut_in_the_middle_of_an_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
