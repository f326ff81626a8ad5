#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memprof/profile/dat_reader.h"
#include "plots/json_text.h"
#include "plots/metrics_write.h"
#include "plots/trace_write.h"

/* Writes what `text` holds as a trace, or as metrics. 0: *written is owned. */
static int write_text(const char *text, int is_trace, char **written)
{
    FILE *file = tmpfile(), *out;
    struct profile profile;
    size_t size;
    int error;

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    rewind(file);
    assert_int_equal(dat_read(fileno(file), &profile), 0);
    fclose(file);
    out = open_memstream(written, &size);
    error = is_trace ? trace_write(out, &profile, NULL, false) : metrics_write(out, &profile);
    fclose(out);
    profile_release(&profile);
    return error;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in:\n%s", part, text);
}

static void test_strings_and_numbers(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    json_text_string(out, "a\"\\\n</script>é");
    json_text_number(out, 1.5, 6);
    putc(' ', out);
    json_text_number(out, -3, 0);
    putc(' ', out);
    json_text_number(out, 100, 2);
    fclose(out);
    assert_string_equal(text, "\"a\\u0022\\u005c\\u000a\\u003c/script\\u003eé\"1.5 -3 100");
    free(text);
}

static void test_a_trace(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(write_text("CMDLINE x \"y\"\n#RUN/7/rss/each/0.1 1.0 1000.0000\n"
                                "MEM 2.5 1000.0000\nCHLD 8 1 1000.1000\n"
                                "FUNC m.f 1.0 1000.2000 2.0 1000.3000 0\n"
                                "#BEGIN/0/.g 1.0 1000.2500\n",
                                1, &text),
                     0);
    assert_has(text, "\"name\":\"x \\u0022y\\u0022\"");
    assert_has(text,
               "{\"ph\":\"C\",\"pid\":7,\"name\":\"memory\",\"ts\":0,\"args\":{\"MiB\":2.5}}");
    assert_has(text, "{\"ph\":\"C\",\"pid\":8,\"name\":\"memory\",\"ts\":100000,");
    assert_has(text,
               "{\"ph\":\"X\",\"pid\":7,\"name\":\"m.f\",\"tid\":1,\"cat\":\"function\",\"ts\":"
               "200000,\"dur\":100000,");
    /* It goes on when m.f ends, so it stands in a lane of its own. */
    assert_has(text, "{\"ph\":\"B\",\"pid\":7,\"name\":\"g\",\"tid\":2,\"cat\":\"block\",");
    free(text);
}

/* Calls that cross each other beyond all lanes: none is lost, and none lies across another. */
static void test_calls_without_a_lane(void **state)
{
    char *text, *written;
    size_t size, ends = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    for (int i = 0; i < 100; i++)
        fprintf(out, "FUNC m.f 1.0 %d.0000 2.0 %d.0000 0\n", 1000 + i, 2000 + i);
    fclose(out);
    assert_int_equal(write_text(text, 1, &written), 0);
    for (const char *at = written; (at = strstr(at, "{\"ph\":\"e\"")) != NULL; at++)
        ends++;
    assert_int_equal(ends, 100 - 64);
    assert_has(written, "\"tid\":64,");
    free(written);
    free(text);
}

static void test_metrics(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(write_text("CMDLINE a \"b\" \\c\nMEM 2 1000.0000\nMEM 1 1000.1000\n"
                                "#LIMIT/cgroup/67108864 1.0 1000.0000\n"
                                "#PARTS/1048576/0/0/4096 1.0 1000.1000\n",
                                0, &text),
                     0);
    assert_has(text, "memprof_info{command=\"a \\\"b\\\" \\\\c\",backend=\"\"} 1\n");
    assert_has(text, "\nmemprof_memory_bytes{process=\"main\"} 1048576\n");
    assert_has(text, "\nmemprof_peak_bytes{process=\"main\"} 2097152\n");
    assert_has(text, "\nmemprof_limit_bytes{limit=\"cgroup\"} 67108864\n");
    assert_has(text, "\nmemprof_part_bytes{part=\"swap\"} 4096\n");
    assert_null(strstr(text, "exit_status"));
    free(text);
}

static void test_nothing_to_tell(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(write_text("CMDLINE a\n", 1, &text), -ENODATA);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(write_text("FUNC m.f 1.0 1000.0000 2.0 1001.0000 0\n", 0, &text), -ENODATA);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_and_numbers),  cmocka_unit_test(test_a_trace),
        cmocka_unit_test(test_calls_without_a_lane), cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_nothing_to_tell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
