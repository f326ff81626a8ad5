#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "dat_fixture.h"
#include "memprof/profile/dat_scan.h"
#include "memprof/profile/live_run.h"
#include "plots/top_frame.h"

/* ---- a file that grows ---- */

struct growing {
    int write, read;
    struct live_run run;
    struct dat_scanner scanner;
    struct dat_counts counts;
};

static void growing_open(struct growing *growing)
{
    char path[] = "/tmp/test_top_frame_XXXXXX";

    growing->write = mkstemp(path);
    assert_true(growing->write >= 0);
    growing->read = open(path, O_RDONLY);
    unlink(path);
    growing->run = (struct live_run){0};
    dat_scanner_init(&growing->scanner, live_run_visit, &growing->run, &growing->counts);
}

static void growing_add(struct growing *growing, const char *text)
{
    assert_int_equal(write(growing->write, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(dat_scanner_read(&growing->scanner, growing->read), 0);
}

static void growing_close(struct growing *growing)
{
    close(growing->write);
    close(growing->read);
    dat_scanner_release(&growing->scanner);
    live_run_release(&growing->run);
}

static void test_a_file_is_read_on(void **state)
{
    struct growing growing;

    (void)state;
    growing_open(&growing);
    growing_add(&growing, "CMDLINE python x.py\n#RUN/47/rss/sum+attach/0.1 9.0 100.0000\nMEM 10.0");
    assert_int_equal(growing.run.samples, 0);
    assert_string_equal(growing.run.command, "python x.py");
    assert_true(growing.run.pid == 47 && growing.run.sum && growing.run.attached);
    growing_add(&growing, "00 100.1000\nMEM 20.0 100.2000\n#LIMIT/cgroup/1048576 20.0 100.2000\n");
    assert_int_equal(growing.run.samples, 2);
    assert_true(growing.run.last.memory == 20 && growing.run.peak.memory == 20);
    assert_int_equal(growing.run.limits[PROFILE_CGROUP], 1 << 20);
    growing_add(&growing, "#BEGIN/0/m.f 12.0 100.2000\n#BEGIN/1/m.g 12.0 100.3000\n");
    assert_int_equal(growing.run.open.count, 2);
    growing_add(&growing, "FUNC m.g 12.0 100.3000 12.0 100.4000 1\nMEM 15.0 100.4000\n");
    assert_int_equal(growing.run.open.count, 1);
    assert_true(growing.run.peak.memory == 20 && growing.run.peak.moment == 100.2);
    growing_add(&growing, "#PEAK/47 99.0 100.4000\n"); /* of one process, and this is a sum */
    assert_true(growing.run.peak.memory == 20);
    growing_add(&growing, "#END/47/signal/9 15.0 100.5000\n");
    assert_true(growing.run.ending.is_known && growing.run.ending.by_signal);
    /* Another run behind it. */
    growing_add(&growing, "CMDLINE other\n#RUN/48/rss/process/0.1 9.0 200.0000\n");
    growing_add(&growing, "MEM 3.0 200.1000\n#SPIKE/48 5.0 200.1500\n#PEAK/49 9.0 200.1600\n");
    assert_string_equal(growing.run.command, "other");
    assert_true(growing.run.pid == 48 && growing.run.samples == 1 && !growing.run.sum);
    assert_true(growing.run.peak.memory == 5 && growing.run.open.count == 0);
    assert_false(growing.run.ending.is_known);
    growing_close(&growing);
}

static void test_types(void **state)
{
    struct growing growing;
    char line[100];

    (void)state;
    assert_int_equal(kind_of("#TYPE/1/dict/5 2.0 3.0000"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1//5/6 2.0 3.0000"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/-5/6 2.0 3.0000"), DAT_BROKEN);
    assert_int_equal(kind_of("#TYPE/1/dict/5/6/later/more 2.0 3.0000"), DAT_TYPE);
    growing_open(&growing);
    growing_add(&growing, "#TYPE/47/dict/10/1000 20.0 100.0000\n#TYPE/47/a%2Fb%25\xc2\xa0"
                          "c/1/50 20.0 100.0000\n");
    growing_add(&growing, "#TYPE/47/dict/30/4000 20.0 101.0000\n");
    assert_int_equal(growing.run.types.count, 2);
    assert_int_equal(growing.run.types.at[0].bytes, 4000);
    assert_int_equal(growing.run.types.at[0].first_bytes, 1000);
    assert_int_equal(growing.run.types.at[0].objects, 30);
    assert_string_equal(growing.run.types.at[1].name, "a/b% c");
    growing_add(&growing, "#TYPE/47/new/3/4 20.0 101.0000\n");
    assert_int_equal(growing.run.types.at[2].first_bytes, 0);
    assert_true(type_counts_moment(&growing.run.types, 47) == 101);
    for (int i = 0; i < TYPE_COUNTS_MOST + 10; i++) {
        snprintf(line, sizeof line, "#TYPE/47/t%d/1/1 20.0 102.0000\n", i);
        growing_add(&growing, line);
    }
    assert_int_equal(growing.run.types.count, TYPE_COUNTS_MOST);
    assert_int_equal(growing.run.types.passed, 13);
    growing_close(&growing);
}

/* ---- the curve ---- */

static void test_the_most_between_two_moments(void **state)
{
    struct peak_curve curve = {0};

    (void)state;
    assert_true(peak_curve_most(&curve, 0, 1) < 0);
    /* A long run, with one sample that stands out. */
    for (int i = 0; i < 100000; i++)
        peak_curve_add(&curve, i == 54321 ? 500 : 10 + i / 50000, 1000 + i * 0.1);
    assert_true(peak_curve_most(&curve, 1000, 11000) == 500);
    assert_true(peak_curve_most(&curve, 6400, 6500) == 500);
    assert_true(peak_curve_most(&curve, 1000, 2000) == 10);
    assert_true(peak_curve_most(&curve, 9000, 9001) == 11);
    assert_true(peak_curve_most(&curve, 900, 999) < 0);
    assert_true(peak_curve_most(&curve, 20000, 20001) == 11);
    /* The clock was set back, and far ahead. */
    peak_curve_add(&curve, 700, 10);
    assert_true(peak_curve_most(&curve, 1000, 1100) == 700);
    peak_curve_add(&curve, 1, 1e300);
    assert_true(curve.used <= PEAK_CURVE_BUCKETS);
}

static void test_where_no_sample_lies_the_one_before_holds(void **state)
{
    struct peak_curve curve = {0};

    (void)state;
    peak_curve_add(&curve, 5, 100);
    peak_curve_add(&curve, 7, 100.5);
    assert_true(peak_curve_most(&curve, 100.2, 100.3) == 5);
    assert_true(peak_curve_most(&curve, 100.2, 100.6) == 7);
}

/* ---- a frame ---- */

static struct top_process *a_process(int64_t pid, const char *command, int64_t mebibytes)
{
    static struct top_process process;

    process = (struct top_process){pid, strdup(command), mebibytes << 20, -1, -1};
    return &process;
}

static void read_row(const struct screen *screen, int row, char text[2000])
{
    *text = '\0';
    for (int i = 0; i < screen->columns; i++) {
        const struct screen_cell *cell = &screen->cells[row * screen->columns + i];

        strncat(text, cell->text, SCREEN_CELL_TEXT);
    }
}

static bool shows(const struct screen *screen, const char *wanted)
{
    char text[2000];

    for (int row = 0; row < screen->rows; row++) {
        read_row(screen, row, text);
        if (strstr(text, wanted) != NULL)
            return true;
    }
    return false;
}

/* A run of 100 seconds that holds 100 MiB from its middle on. */
static void fill(struct growing *growing)
{
    char line[200];

    growing_open(growing);
    growing_add(growing, "CMDLINE x\n#RUN/47/rss/process/0.1 9.0 1000.0000\n"
                         "#LIMIT/cgroup/167772160 9.0 1000.0000\n"
                         "#BEGIN/0/m.main 25.0 1010.0000\n#BEGIN/1/.a\xc2\xa0\x1b%2Fblock 100.0 "
                         "1060.0000\n");
    for (int i = 0; i <= 1000; i++) {
        snprintf(line, sizeof line, "MEM %d.0 %.4f\n", i < 500 ? 25 : 100, 1000 + i * 0.1);
        growing_add(growing, line);
    }
    growing_add(growing, "#TYPE/47/dict/10/1000 20.0 1100.0000\n"
                         "#TYPE/47/dict/1234/3145728 20.0 1100.5000\n");
}

static void draw(struct growing *growing, struct top_facts *view, struct screen *screen)
{
    struct open_spans open;

    assert_int_equal(open_set_list(&growing->run.open, &open), 0);
    view->run = &growing->run;
    view->title = "PID 47  x";
    view->state = "running";
    view->now = 1100;
    view->open = &open;
    assert_int_equal(top_frame_draw(view, screen), 0);
    open_spans_release(&open);
}

static void test_a_frame(void **state)
{
    struct top_process *process = a_process(47, "x y", 100);
    struct top_facts view = {.processes = process, .n_processes = 1, .has_keys = true};
    struct growing growing;
    struct screen screen;

    (void)state;
    fill(&growing);
    screen_init(&screen, 1, TEXT_PLAIN);
    assert_int_equal(screen_resize(&screen, 80, 24), 0);
    draw(&growing, &view, &screen);
    assert_true(shows(&screen, "PID 47  x") && shows(&screen, "running"));
    assert_true(shows(&screen, "100 MiB · peak 100 MiB at 50.0 s · cgroup limit 160 MiB (62 %)"));
    assert_true(shows(&screen, "       47     100 MiB           -           -  x y"));
    assert_true(shows(&screen, "              90.0 s   +75.0 MiB  m.main"));
    assert_true(shows(&screen, "              40.0 s           0    a \\x1b/block"));
    assert_true(shows(&screen, "╌╌╌╌") && shows(&screen, "⣿⣿⣿⣿") && shows(&screen, "100.0 s"));
    view.list = TOP_TYPES;
    draw(&growing, &view, &screen);
    assert_true(shows(&screen, "       47       1 234      +1 224    3.00 MiB   +3.00 MiB  dict"));
    view.list = TOP_HELP;
    draw(&growing, &view, &screen);
    assert_true(shows(&screen, "q        quit"));
    screen_release(&screen);
    free(process->command);
    growing_close(&growing);
}

/* The step is at the middle, and a quarter as high before it. */
static void test_the_curve_is_as_high_as_it_says(void **state)
{
    struct top_facts view = {0};
    struct growing growing;
    struct screen screen;
    char text[2000];
    int left = 0, right = 0; /* rows that are filled */

    (void)state;
    fill(&growing);
    growing.run.limits[PROFILE_CGROUP] = 0;
    screen_init(&screen, 0, TEXT_PLAIN);
    assert_int_equal(screen_resize(&screen, 110, 53), 0);
    draw(&growing, &view, &screen);
    for (int row = 0; row < screen.rows; row++) {
        read_row(&screen, row, text);
        left += strncmp(text + 8, " |", 2) == 0 && text[10 + 25] != ' ';
        right += strncmp(text + 8, " |", 2) == 0 && text[10 + 75] == '#';
    }
    assert_true(right >= 15 && right > 4 * (left - 1) && right <= 4 * left);
    screen_release(&screen);
    growing_close(&growing);
}

static void test_windows_of_any_size(void **state)
{
    struct top_process *process = a_process(47, "x y", 100);
    struct top_facts view = {.processes = process, .n_processes = 1, .has_keys = true};
    struct growing growing;
    struct screen screen;

    (void)state;
    fill(&growing);
    for (int columns = 1; columns < 100; columns += 7)
        for (int rows = 1; rows < 40; rows++)
            for (int list = TOP_PROCESSES; list <= TOP_HELP; list++) {
                screen_init(&screen, columns % 2, TEXT_PLAIN);
                assert_int_equal(screen_resize(&screen, columns, rows), 0);
                view.list = (enum top_list)list;
                view.scroll = 1000;
                view.sort = rows;
                draw(&growing, &view, &screen);
                assert_true(rows <= 3 || (view.scroll >= 0 && view.scroll < 40));
                screen_release(&screen);
            }
    free(process->command);
    growing_close(&growing);
}

static void test_lines(void **state)
{
    struct top_facts view = {0};
    struct growing growing;
    struct screen screen;
    struct open_spans open;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    fill(&growing);
    screen_init(&screen, 1, TEXT_PLAIN);
    assert_int_equal(screen_resize(&screen, 80, 24), 0);
    draw(&growing, &view, &screen);
    assert_true(shows(&screen, "no process of it is alive"));
    assert_int_equal(open_set_list(&growing.run.open, &open), 0);
    view.open = &open;
    top_frame_line(&view, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "  100 MiB  peak 100 MiB  in a \\x1b/block +0.00 MiB  running\n");
    free(text);
    open_spans_release(&open);
    screen_release(&screen);
    growing_close(&growing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_read_on),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_the_most_between_two_moments),
        cmocka_unit_test(test_where_no_sample_lies_the_one_before_holds),
        cmocka_unit_test(test_a_frame),
        cmocka_unit_test(test_the_curve_is_as_high_as_it_says),
        cmocka_unit_test(test_windows_of_any_size),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
