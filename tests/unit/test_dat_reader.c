#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <locale.h>
#include <pthread.h>
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
#include "memprof/profile/dat_reader.h"
#include "memprof/profile/dat_writer.h"

#define MIB (INT64_C(1) << 20)
#define SECOND INT64_C(1000000000)

/* Reads `length` bytes as if they came from a file. */
static int read_bytes(const char *bytes, size_t length, struct profile *profile)
{
    char path[] = "/tmp/test_dat_reader_XXXXXX";
    int fd = mkstemp(path), error;

    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    lseek(fd, 0, SEEK_SET);
    error = dat_read(fd, profile);
    close(fd);
    return error;
}

static void read_text(const char *text, struct profile *profile)
{
    assert_int_equal(read_bytes(text, strlen(text), profile), 0);
}

static void test_number_is_the_nearest_double(void **state)
{
    struct dat_record fact;
    char line[100];

    (void)state;
    srand(7);
    for (int i = 0; i < 100000; i++) {
        long long moment = 1795356600000000LL + (long long)rand() * 7;
        long memory = (long)rand() * 13;

        snprintf(line, sizeof line, "MEM %ld.%06ld %lld.%06lld", memory / 1000000, memory % 1000000,
                 moment / 1000000, moment % 1000000);
        dat_record_parse(line, strlen(line), &fact);
        assert_int_equal(fact.kind, DAT_MEM);
        assert_true(fact.memory == strtod(line + 4, NULL));
        assert_true(fact.moment == strtod(strrchr(line, ' '), NULL));
    }
}

static void test_what_is_no_number_is_broken(void **state)
{
    static const char *const lines[] = {
        "MEM",
        "MEM ",
        "MEM 1",
        "MEM 1 ",
        "MEM nan 2",
        "MEM 1 inf",
        "MEM 1e3 2",
        "MEM 0x10 2",
        "MEM 1 2 3",
        "MEM 1,5 2,5",
        "MEM - 2",
        "MEM .5 2",
        "MEM 1.2.3 4",
        "MEM +1 2",
        "MEM 1 2x",
        "MEM 1.0MEM 2.0 3.0",
        "CHLD 1 2",
        "CHLD x 1 2",
        "CHLD 1.5 1 2",
        "CHLD 9999999999999999999 1 2",
        "FUNC f",
        "FUNC f 1 2 3",
        "FUNC 1 2 3 4 5",
        "FUNC f 1.0 2.0 3.0 nan 1",
        "BEGIN f 1.0",
        "PEAK 1 2",
        "RUN 1 0.1 rss",
        "RUN 1 0.1 1795356600.0",
        "MISSED 3",
        "STEP 1",
        "FUNC ",
        "FUNC  1.0 2.0 3.0 4.0 1",
        "MEM 1234567890123456789012 1.0",
        "FUNC f 1.0 2.0 3.0 4.0 99999999999",
        "#PEAK",
        "#PEAK 1.0 2.0",
        "#PEAK/1 2.0",
        "#PEAK/x 1.0 2.0",
        "#SPIKE/1 1.0 2.0 3.0",
        "#MISSED/ 1.0 2.0",
        "#MISSED/nan 1.0 2.0",
        "#STEP/1.5 1.0",
        "#RUN/1/rss/each 1.0 2.0",
        "#RUN/1/rss/each/x 1.0 2.0",
        "#RUN/1.5/rss/each/0.1 1.0 2.0",
        "#BEGIN/f 1.0 2.0",
        "#BEGIN/0 1.0 2.0",
        "#BEGIN/0/ 1.0 2.0",
        "#BEGIN/-1/f 1.0 2.0",
        "#BEGIN/0/a b 1.0 2.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (kind_of(lines[i]) != DAT_BROKEN)
            fail_msg("taken: %s", lines[i]);
}

static void test_unknown_keywords_are_skipped(void **state)
{
    struct profile profile;

    (void)state;
    read_text("MEMORY 1 2\nmem 1 2\nNEWS of tomorrow\n MEM 1 2\n\n\nMEM 5 6\r\n", &profile);
    assert_int_equal(profile.samples.count, 1);
    assert_true(profile.samples.at[0].memory == 5 && profile.samples.at[0].moment == 6);
    assert_int_equal(profile.unknown, 4);
    assert_int_equal(profile.broken, 0);
    assert_int_equal(profile.lines, 5);
    profile_release(&profile);
}

static void test_names_hold_blanks_and_numbers(void **state)
{
    struct profile profile;

    (void)state;
    read_text("FUNC .my block 7 1.5000 10.0000 2.5000 11.0000 3\n"
              "FUNC old.form 1.5000 12.0000 2.5000 13.0000\n"
              "BEGIN two  blanks 4.0000 14.0000 0\n"
              "FUNC \xff\xfe 1.0000 15.0000 1.0000 15.5000 0\n",
              &profile);
    assert_int_equal(profile.n_spans, 4);
    assert_string_equal(profile.spans[0].name, ".my block 7");
    assert_int_equal(profile.spans[0].level, 3);
    assert_true(profile.spans[0].memory_begin == 1.5 && profile.spans[0].memory_end == 2.5);
    assert_true(profile.spans[0].begin == 10 && profile.spans[0].end == 11);
    assert_int_equal(profile.spans[1].level, PROFILE_NO_LEVEL);
    assert_string_equal(profile.spans[2].name, "two  blanks");
    assert_true(profile.spans[2].open && profile.spans[2].end == 14);
    assert_string_equal(profile.spans[3].name, "\xff\xfe");
    profile_release(&profile);
}

static void test_begin_without_its_end_stays_open(void **state)
{
    struct profile profile;

    (void)state;
    read_text("BEGIN f 1.0000 10.0000 0\nBEGIN g 1.0000 10.5000 1\nBEGIN f 1.0000 20.0000 0\n"
              "BEGIN t 1.0000 30.0000 0\nBEGIN t 1.0000 30.0000 0\n"
              "FUNC g 1.0000 10.5000 2.0000 11.0000 1\nFUNC f 1.0000 10.0000 2.0000 12.0000 0\n"
              "FUNC t 1.0000 30.0000 2.0000 31.0000 0\n",
              &profile);
    assert_int_equal(profile.n_spans, 5);
    assert_false(profile.spans[0].open || profile.spans[1].open || profile.spans[3].open);
    assert_true(profile.spans[2].open && profile.spans[2].begin == 20);
    assert_true(profile.spans[4].open && profile.spans[4].begin == 30);
    assert_ptr_equal(profile.spans[0].name, profile.spans[2].name);
    profile_release(&profile);
}

static void test_series_are_in_order(void **state)
{
    struct profile profile;

    (void)state;
    read_text("MEM 2 20\nMEM 1 10\nMEM 3 30\nCHLD 7 5 9\nCHLD 7 4 8\nCHLD 6 1 1\n", &profile);
    for (size_t i = 0; i < 3; i++)
        assert_true(profile.samples.at[i].moment == 10.0 * (double)(i + 1));
    assert_int_equal(profile.n_processes, 2);
    assert_int_equal(profile.processes[0].pid, 7);
    assert_true(profile.processes[0].samples.at[0].moment == 8);
    assert_ptr_equal(profile_process_find(&profile, 6), &profile.processes[1]);
    assert_null(profile_process_find(&profile, 5));
    profile_release(&profile);
}

/* What dat_writer writes is read back, every kind of line. */
/* Of the last run in the file, and to its end where that is known. */
static void test_durations(void **state)
{
    static const struct {
        const char *text;
        double seconds;
    } cases[] = {
        {"MEM 1.0 1000.0000\nMEM 2.0 1002.5000\n", 2.5},
        {"MEM 1.0 1000.0000\n", -1},
        {"CMDLINE a\n", -1},
        {"RUN 9 0.1 rss process 1000.0000\nMEM 1.0 1000.0000\n#END/9/exit/1 1.0 1003.0000\n", 3},
        {"RUN 9 0.1 rss process 1000.0000\nMEM 1.0 1000.0000\n#END/9/exit/1 1.0 1000.0000\n", 0},
        {"RUN 9 0.1 rss process 1000.0000\nMEM 1.0 1000.0000\n#END/9/exit/1 1.0 999.0000\n", -1},
        {"CMDLINE a\nMEM 1.0 1000.0000\nCMDLINE b\nMEM 1.0 2000.0000\nMEM 1.0 2001.0000\n", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct profile profile;

        read_text(cases[i].text, &profile);
        assert_true(fabs(profile_duration(&profile) - cases[i].seconds) < 1e-6);
        profile_release(&profile);
    }
}

static void test_reads_what_the_writer_writes(void **state)
{
    char path[] = "/tmp/test_dat_reader_XXXXXX";
    char *argv[] = {(char[]){"two words"}, (char[]){"line\nend"}, NULL};
    struct dat_point begin = {3 * MIB, 5 * SECOND}, end = {4 * MIB, 6 * SECOND};
    struct dat_writer writer;
    struct profile profile;

    (void)state;
    close(mkstemp(path));
    assert_int_equal(dat_writer_open(&writer, path, DAT_TRUNCATE, 6), 0);
    dat_writer_cmdline(&writer, argv);
    dat_writer_run(&writer, 99, SECOND / 10, "pss", "sum+each+attach", 7 * MIB, 4 * SECOND);
    dat_writer_mem(&writer, 7 * MIB + MIB / 4, 5 * SECOND + 1000);
    dat_writer_child(&writer, 100, 2 * MIB, 5 * SECOND);
    dat_writer_peak(&writer, 99, 9 * MIB, 5 * SECOND);
    dat_writer_spike(&writer, 99, 8 * MIB, 5 * SECOND);
    dat_writer_step(&writer, -3 * SECOND / 2, MIB, 5 * SECOND);
    dat_writer_missed(&writer, 12, MIB, 5 * SECOND);
    assert_int_equal(dat_writer_flush(&writer), 0);
    dat_writer_func(&writer, "m.f", begin, end, 2);
    dat_writer_begin(&writer, "a b", end, 0);
    dat_writer_release(&writer);
    assert_int_equal(dat_read_path(path, &profile), 0);
    unlink(path);

    assert_int_equal(profile.lines, 10);
    assert_int_equal(profile.unknown + profile.broken, 0);
    assert_string_equal(profile.command_line, "'two words' 'line\\nend'");
    assert_int_equal(profile.n_runs, 1);
    assert_string_equal(profile.runs[0].backend, "pss");
    assert_true(profile.runs[0].pid == 99 && profile.runs[0].interval == 0.1 &&
                profile.runs[0].moment == 4);
    assert_true(profile.runs[0].sum && profile.runs[0].each && profile.runs[0].attached);
    assert_true(profile.samples.at[0].memory == 7.25 && profile.samples.at[0].moment == 5.000001);
    assert_true(profile_process_find(&profile, 100)->samples.at[0].memory == 2);
    assert_true(profile_process_find(&profile, 99)->peaks.at[0].memory == 9);
    assert_true(profile_process_find(&profile, 99)->spikes.at[0].memory == 8);
    assert_true(profile.steps.at[0].value == -1.5 && profile.missed.at[0].value == 12);
    assert_string_equal(profile.spans[0].name, "m.f");
    assert_true(profile.spans[1].open);
    profile_release(&profile);
}

/* Cut at any byte, a recorded file gives the info of its whole lines and perhaps one more. */
static void test_cut_at_any_byte(void **state)
{
    static const char text[] = "CMDLINE x\nMEM 16.816406 1795356600.6209\n"
                               "FUNC .a b 46.3750 1795356615.2422 46.3828 1795356615.9369 1\n"
                               "CHLD 589 25.085938 1795356624.2663\n";
    struct profile profile;

    (void)state;
    for (size_t length = 0; length <= sizeof text - 1; length++) {
        assert_int_equal(read_bytes(text, length, &profile), 0);
        for (size_t i = 0; i < profile.samples.count; i++)
            assert_true(profile.samples.at[i].moment == 1795356600.6209);
        for (size_t i = 0; i < profile.n_spans; i++)
            assert_true(profile.spans[i].end == 1795356615.9369);
        for (size_t i = 0; i < profile.n_processes; i++)
            assert_true(profile.processes[i].samples.at[0].moment == 1795356624.2663);
        profile_release(&profile);
    }
}

static void test_nul_bytes(void **state)
{
    static const char text[] =
        "MEM 1\0 2\nFUNC a\0b 1.0 2.0 3.0 4.0 0\nFUNC a b 1.0 5.0 3.0 6.0 0\n"
        "FUNC a\0b 1.0 7.0 3.0 8.0 0\n\0\0\0\nMEM 3 4\n";
    struct profile profile;

    (void)state;
    assert_int_equal(read_bytes(text, sizeof text - 1, &profile), 0);
    assert_int_equal(profile.samples.count, 1);
    assert_int_equal(profile.n_spans, 3);
    assert_string_equal(profile.spans[0].name, "a b");
    assert_ptr_equal(profile.spans[0].name, profile.spans[2].name);
    assert_ptr_equal(profile.spans[0].name, profile.spans[1].name);
    assert_int_equal(profile.broken, 1);
    assert_int_equal(profile.unknown, 1);
    profile_release(&profile);
}

static void test_lines_of_any_length(void **state)
{
    size_t longest = DAT_LINE_LIMIT + 1000000, at = 0;
    char *text = malloc(2 * longest + 100);
    struct profile profile;

    (void)state;
    assert_non_null(text);
    at += (size_t)sprintf(text, "CMDLINE ");
    memset(text + at, 'x', 3000000);
    at += 3000000;
    at += (size_t)sprintf(text + at, "\nMEM 1 2\nCMDLINE ");
    memset(text + at, 'y', longest);
    at += longest;
    at += (size_t)sprintf(text + at, "\nMEM 3 4\n");
    assert_int_equal(read_bytes(text, at, &profile), 0);
    free(text);
    assert_int_equal(strlen(profile.command_line), 3000000);
    assert_int_equal(profile.samples.count, 2);
    assert_int_equal(profile.broken, 1);
    assert_int_equal(profile.lines, 4);
    profile_release(&profile);
}

struct feed {
    int fd;
    const char *text;
    size_t piece;
};

static void *feed_pipe(void *argument)
{
    struct feed *feed = argument;
    size_t length = strlen(feed->text);

    for (size_t at = 0; at < length; at += feed->piece) {
        size_t size = length - at < feed->piece ? length - at : feed->piece;

        assert_int_equal(write(feed->fd, feed->text + at, size), (ssize_t)size);
    }
    close(feed->fd);
    return NULL;
}

static void test_reads_from_a_pipe_in_pieces(void **state)
{
    static const char text[] = "CMDLINE a b\nMEM 1.5 2.5\nMEM 3.5 4.5\nCHLD 5 6.5 7.5\n";
    struct profile profile;

    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        struct feed feed = {-1, text, piece};
        pthread_t thread;
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        feed.fd = ends[1];
        assert_int_equal(pthread_create(&thread, NULL, feed_pipe, &feed), 0);
        assert_int_equal(dat_read(ends[0], &profile), 0);
        pthread_join(thread, NULL);
        close(ends[0]);
        assert_int_equal(profile.samples.count, 2);
        assert_true(profile.processes[0].samples.at[0].memory == 6.5);
        profile_release(&profile);
    }
}

static int stop_at_second(void *context, const struct dat_record *fact)
{
    int *seen = context;

    assert_true(fact->line == (uint64_t)++ * seen);
    return *seen == 2 ? -ECANCELED : 0;
}

static void test_a_visitor_can_stop(void **state)
{
    char path[] = "/tmp/test_dat_reader_XXXXXX";
    int fd = mkstemp(path), seen = 0;
    struct dat_counts counts;

    (void)state;
    unlink(path);
    assert_int_equal(write(fd, "MEM 1 1\nMEM 2 2\nMEM 3 3\n", 24), 24);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(dat_scan(fd, stop_at_second, &seen, &counts), -ECANCELED);
    assert_int_equal(seen, 2);
    close(fd);
}

static void test_errors_of_the_file(void **state)
{
    struct profile profile;

    (void)state;
    assert_int_equal(dat_read_path("/nowhere/at/all", &profile), -ENOENT);
    assert_int_equal(dat_read_path("/", &profile), -EISDIR);
    profile_release(&profile);
    assert_int_equal(dat_read_path("/dev/null", &profile), 0);
    assert_int_equal(profile.lines, 0);
    profile_release(&profile);
}

static void test_a_decimal_comma_changes_nothing(void **state)
{
    struct profile profile;

    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8");
    read_text("MEM 1.5 2.5\n", &profile);
    setlocale(LC_ALL, "C");
    assert_true(profile.samples.at[0].memory == 1.5);
    profile_release(&profile);
}

/* The recorded files hold what grep counts in them. */
static void test_files_of_memory_profiler(void **state)
{
    static const struct recorded {
        const char *name;
        size_t samples, children, spans, command_lines;
    } files[] = {
        {"01_plain_exe.dat", 21, 0, 0, 1},         {"04_labels_julia1000.dat", 48, 0, 4, 1},
        {"05_nested_recursive.dat", 14, 0, 12, 1}, {"07_multiprocess.dat", 23, 4, 0, 1},
        {"08_MC_T005.dat", 47, 4, 0, 1},           {"16_true.dat", 1, 0, 0, 1},
    };
    char path[500];

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct profile profile;

        snprintf(path, sizeof path, "%s/%s", DATS, files[i].name);
        assert_int_equal(dat_read_path(path, &profile), 0);
        assert_int_equal(profile.samples.count, files[i].samples);
        assert_int_equal(profile.n_processes, files[i].children);
        assert_int_equal(profile.n_spans, files[i].spans);
        assert_int_equal(profile.command_lines, files[i].command_lines);
        assert_int_equal(profile.unknown + profile.broken, 0);
        profile_release(&profile);
    }
}

static void test_many_processes_and_names(void **state)
{
    char *text = malloc(10000 * 100), *to = text;
    struct profile profile;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < 10000; i++)
        to += sprintf(to, "CHLD %d 1 %d\nFUNC f%d 1.0 1.0 1.0 2.0 0\n", 10000 - i, i, i % 5000);
    assert_int_equal(read_bytes(text, (size_t)(to - text), &profile), 0);
    free(text);
    assert_int_equal(profile.n_processes, 10000);
    assert_int_equal(profile.n_names, 5000);
    for (int pid = 1; pid <= 10000; pid++)
        assert_int_equal(profile_process_find(&profile, pid)->pid, pid);
    profile_release(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_is_the_nearest_double),
        cmocka_unit_test(test_what_is_no_number_is_broken),
        cmocka_unit_test(test_unknown_keywords_are_skipped),
        cmocka_unit_test(test_names_hold_blanks_and_numbers),
        cmocka_unit_test(test_begin_without_its_end_stays_open),
        cmocka_unit_test(test_series_are_in_order),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_reads_what_the_writer_writes),
        cmocka_unit_test(test_cut_at_any_byte),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_lines_of_any_length),
        cmocka_unit_test(test_reads_from_a_pipe_in_pieces),
        cmocka_unit_test(test_a_visitor_can_stop),
        cmocka_unit_test(test_errors_of_the_file),
        cmocka_unit_test(test_a_decimal_comma_changes_nothing),
        cmocka_unit_test(test_files_of_memory_profiler),
        cmocka_unit_test(test_many_processes_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
