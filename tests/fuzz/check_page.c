#include "check_outputs.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

/* ---- JSON: what stands behind a value; a text that is none ends the fuzzer ---- */

static const char *skip_value(const char *at);

static const char *skip_string(const char *at)
{
    check(*at == '"');
    for (at++; *at != '"'; at++) {
        check((unsigned char)*at >= ' ' && strchr("<>&'", *at) == NULL);
        if (*at == '\\') {
            check(at[1] == 'u' && strspn(at + 2, "0123456789abcdef") >= 4);
            at += 5;
        }
    }
    return at + 1;
}

static const char *skip_digits(const char *at)
{
    size_t count = strspn(at, "0123456789");

    check(count > 0);
    return at + count;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    check(*at != '0' || !isdigit((unsigned char)at[1]));
    at = skip_digits(at);
    return *at == '.' ? skip_digits(at + 1) : at;
}

/* An object, or a list. */
static const char *skip_members(const char *at)
{
    char end = *at == '{' ? '}' : ']';

    if (at[1] == end)
        return at + 2;
    do {
        at++;
        at += *at == '\n'; /* a trace has an event on each line */
        if (end == '}') {
            at = skip_string(at);
            check(*at++ == ':');
        }
        at = skip_value(at);
    } while (*at == ',');
    at += *at == '\n';
    check(*at == end);
    return at + 1;
}

static const char *skip_value(const char *at)
{
    if (*at == '{' || *at == '[')
        return skip_members(at);
    if (*at == '"')
        return skip_string(at);
    if (strncmp(at, "true", 4) == 0)
        return at + 4;
    if (strncmp(at, "false", 5) == 0)
        return at + 5;
    return skip_number(at);
}

/* ---- the page ---- */

static const char *behind(const char *text, const char *part)
{
    const char *found = strstr(text, part);

    check(found != NULL);
    return found + strlen(part);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        count++;
    }
    return count;
}

/* Text between tags has none of its own. */
static void check_text(const char *page, const char *tag, const char *end)
{
    const char *at = behind(page, tag);

    at += strcspn(at, "<>\"\n");
    while (*at == '"')
        at += 1 + strcspn(at + 1, "<>\"\n");
    check(strncmp(at, end, strlen(end)) == 0);
}

void check_page(const char *page, size_t length)
{
    const char *data = behind(page, "id=\"data\">");

    check(fuzz_is_clean(page, length, "") && strlen(page) == length);
    check_text(page, "<title>", "</title>");
    check_text(page, "<h1>", "</h1>");
    check_text(page, "</h1>\n<p>", "</p>");
    check(strncmp(skip_value(data), "</script>", 9) == 0);
    check(count_of(page, "<script") == 2 && count_of(page, "</script") == 2);
    check(count_of(page, "<style") == 1 && count_of(page, "<!--") == 0);
}

void check_trace(const char *trace, size_t length)
{
    check(fuzz_is_clean(trace, length, "") && strlen(trace) == length);
    check(strncmp(trace, "{\"traceEvents\":[", 16) == 0);
    check(strcmp(skip_value(trace), "\n") == 0);
}

/* name="value",...: behind its quote. */
static const char *skip_label(const char *at)
{
    at += strspn(at, "abcdefghijklmnopqrstuvwxyz");
    check(at[0] == '=' && at[1] == '"');
    for (at += 2; *at != '"'; at++) {
        check(*at != '\0' && *at != '\n');
        if (*at == '\\')
            check(strchr("\\\"n", *++at) != NULL && *at != '\0');
    }
    return at + 1;
}

static const char *skip_metric(const char *at)
{
    check(strncmp(at, "memprof_", 8) == 0);
    at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
    if (*at == '{') {
        do
            at = skip_label(at + 1);
        while (*at == ',');
        check(*at++ == '}');
    }
    check(*at == ' ');
    return skip_number(at + 1);
}

void check_metrics(const char *text, size_t length)
{
    check(fuzz_is_clean(text, length, "") && strlen(text) == length);
    while (*text != '\0') {
        bool is_remark =
            strncmp(text, "# HELP memprof_", 15) == 0 || strncmp(text, "# TYPE memprof_", 15) == 0;

        text = is_remark ? text + strcspn(text, "\n") : skip_metric(text);
        check(*text++ == '\n');
    }
}
