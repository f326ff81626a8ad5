#include "memprof/profile/dat_record.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Digits that 64 bits hold for certain; more of them behind the point say nothing. */
#define MANTISSA_DIGITS 18

static const double powers[MANTISSA_DIGITS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                   1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                   1e14, 1e15, 1e16, 1e17, 1e18};

/* What is left to read of a line; `decimals` are those of the number read last. */
struct cursor {
    char *at, *end;
    int decimals;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/*
 * The digits in front as a number, and where they end. The number overflows with more than 19
 * digits: take_number() then reads again, with fewer.
 */
static char *take_digits(char *at, char *end, uint64_t *number)
{
    for (; at < end && is_digit(*at); at++)
        *number = *number * 10 + (uint64_t)(*at - '0');
    return at;
}

/*
 * A number in front, up to a blank or the end: [-]digits[.digits]. Not strtod: it obeys the locale
 * and takes nan, inf and hexadecimals. Returns 1 if there was one.
 */
static int take_number(struct cursor *cursor, double *number)
{
    char *at = cursor->at, *end = cursor->end, *first, *point;
    uint64_t mantissa = 0;
    ptrdiff_t scale = 0;
    int negative;

    while (at < end && is_blank(*at))
        at++;
    negative = at < end && *at == '-';
    first = at + negative;
    point = at = take_digits(first, end, &mantissa);
    if (at == first || point - first > MANTISSA_DIGITS)
        return 0;
    if (at < end && *at == '.') {
        at = take_digits(point + 1, end, &mantissa);
        scale = at - point - 1;
    }
    if (at < end && !is_blank(*at))
        return 0;
    cursor->decimals = scale > INT_MAX ? INT_MAX : (int)scale;
    /* Too many decimals: only as many are read again as 64 bits hold. */
    if (point - first + scale > MANTISSA_DIGITS) {
        scale = MANTISSA_DIGITS - (point - first);
        mantissa = 0;
        take_digits(first, point, &mantissa);
        take_digits(point + 1, point + 1 + scale, &mantissa);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.*): scale is 0 to MANTISSA_DIGITS, by the if above */
    *number = (double)mantissa / powers[scale];
    if (negative)
        *number = -*number;
    cursor->at = at;
    return 1;
}

/* A whole number; what does not fit into 53 bits is none. */
static int take_integer(struct cursor *cursor, int64_t *integer)
{
    double number;

    /* `5.` has no decimals and is no whole number either. Above 2^53 a double skips whole
     * numbers. */
    if (!take_number(cursor, &number) || cursor->at[-1] == '.' || cursor->decimals != 0 ||
        number > 9007199254740992.0 || number < -9007199254740992.0)
        return 0;
    *integer = (int64_t)number;
    return 1;
}

static int at_end(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at))
        cursor->at++;
    return cursor->at == cursor->end;
}

static int parse_cmdline(struct cursor *cursor, struct dat_record *record)
{
    record->text = cursor->at;
    record->length = (size_t)(cursor->end - cursor->at);
    return 1;
}

static int parse_mem(struct cursor *cursor, struct dat_record *record)
{
    return take_number(cursor, &record->memory) && take_number(cursor, &record->moment) &&
           at_end(cursor);
}

static int parse_child(struct cursor *cursor, struct dat_record *record)
{
    return take_integer(cursor, &record->pid) && parse_mem(cursor, record);
}

static int parse_note(struct cursor *cursor, struct dat_record *record)
{
    return take_number(cursor, &record->value) && take_number(cursor, &record->moment) &&
           at_end(cursor);
}

static char *last_word(char *begin, char *end)
{
    while (end > begin && !is_blank(end[-1]))
        end--;
    return end;
}

/* Whether a word is one of small letters, as names of backends are. */
static int is_plain_word(const struct cursor *word)
{
    for (const char *at = word->at; at < word->end; at++)
        if (*at < 'a' || *at > 'z')
            return 0;
    return word->at < word->end;
}

/*
 * RUN pid interval backend how moment. The words in the middle stay text: the first number of the
 * last word is where they end.
 */
static int parse_run(struct cursor *cursor, struct dat_record *record)
{
    struct cursor backend = {0};
    char *end = cursor->end, *last;

    while (end > cursor->at && is_blank(end[-1]))
        end--;
    last = last_word(cursor->at, end);
    if (!take_integer(cursor, &record->pid) || !take_number(cursor, &record->value))
        return 0;
    while (cursor->at < last && is_blank(*cursor->at))
        cursor->at++;
    if (cursor->at >= last)
        return 0;
    backend.at = backend.end = cursor->at;
    while (backend.end < last && !is_blank(*backend.end))
        backend.end++;
    if (!is_plain_word(&backend))
        return 0;
    record->text = cursor->at;
    record->length = (size_t)(last - cursor->at);
    while (record->length > 0 && is_blank(record->text[record->length - 1]))
        record->length--;
    cursor->at = last;
    return take_number(cursor, &record->moment) && at_end(cursor);
}

/* Cuts the last word off and gives it alone; 0 when there is none. */
static int cut_word(struct cursor *cursor, struct cursor *word)
{
    while (cursor->end > cursor->at && is_blank(cursor->end[-1]))
        cursor->end--;
    word->end = cursor->end;
    word->at = cursor->end = last_word(cursor->at, cursor->end);
    return word->at < word->end;
}

/*
 * A name may hold blanks and numbers, so the numbers are taken from the right: `count` of them and,
 * behind, a level where the last word is a whole number.
 */
static int parse_name(struct cursor *cursor, struct dat_record *record, double *const numbers[],
                      int count)
{
    struct cursor word;
    int64_t level;

    if (!cut_word(cursor, &word))
        return 0;
    /* Moments always have decimals and levels never: the point tells which of them comes last. */
    if (memchr(word.at, '.', (size_t)(word.end - word.at)) == NULL) {
        if (!take_integer(&word, &level) || level < 0 || level > INT_MAX ||
            !cut_word(cursor, &word))
            return 0;
        record->level = (int)level;
    }
    for (int i = count - 1; i >= 0; i--)
        if (!take_number(&word, numbers[i]) || (i > 0 && !cut_word(cursor, &word)))
            return 0;
        /* The numbers are taken from the right: the first that is read is the last of the line. */
        else if (i == count - 1)
            record->last_decimals = word.decimals;
    while (cursor->end > cursor->at && is_blank(cursor->end[-1]))
        cursor->end--;
    record->text = cursor->at;
    record->length = (size_t)(cursor->end - cursor->at);
    return record->length > 0;
}

/* U+00A0 and tabs become blanks. */
size_t dat_record_plain_name(char *name, size_t length)
{
    size_t to = 0;

    for (size_t at = 0; at < length; at++) {
        bool is_wide = at + 1 < length && memcmp(name + at, "\xc2\xa0", 2) == 0;

        name[to] = name[at];
        if (is_wide || name[at] == '\t')
            name[to] = ' ';
        to++;
        at += is_wide;
    }
    return to;
}

/* The name is a detail up to `end`: %2F and %25 are what they stand for. */
static size_t undo_escapes(char *name, size_t length)
{
    size_t to = 0;

    for (size_t at = 0; at < length; at++) {
        bool is_slash = at + 2 < length && memcmp(name + at, "%2F", 3) == 0;
        bool is_percent = at + 2 < length && memcmp(name + at, "%25", 3) == 0;

        name[to] = name[at];
        if (is_slash)
            name[to] = '/';
        to++;
        at += is_slash || is_percent ? 2 : 0;
    }
    return to;
}

static int parse_func(struct cursor *cursor, struct dat_record *record)
{
    double *const numbers[] = {&record->memory, &record->moment, &record->memory_end,
                               &record->moment_end};
    char *name = cursor->at;

    if (!parse_name(cursor, record, numbers, 4))
        return 0;
    record->length = dat_record_plain_name(name, record->length);
    return 1;
}

static int parse_begin(struct cursor *cursor, struct dat_record *record)
{
    double *const numbers[] = {&record->memory, &record->moment};

    return parse_name(cursor, record, numbers, 2);
}

/* A detail of a keyword: "/detail" in front. */
static int take_detail(struct cursor *cursor, struct cursor *detail)
{
    if (cursor->at == cursor->end || *cursor->at != '/')
        return 0;
    detail->at = ++cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '/' && !is_blank(*cursor->at))
        cursor->at++;
    detail->end = cursor->at;
    return 1;
}

static int take_detail_integer(struct cursor *cursor, int64_t *integer)
{
    struct cursor detail = {0};

    return take_detail(cursor, &detail) && take_integer(&detail, integer);
}

/* What ends a fact: memory and moment. Of later versions there may be more details before. */
static int parse_rest(struct cursor *cursor, struct dat_record *record)
{
    struct cursor detail;

    while (take_detail(cursor, &detail))
        ;
    return parse_mem(cursor, record);
}

static int parse_oom(struct cursor *cursor, struct dat_record *record)
{
    int64_t kills;

    if (!take_detail_integer(cursor, &kills) || !take_detail_integer(cursor, &record->limit) ||
        kills <= 0 || record->limit < 0)
        return 0;
    record->value = (double)kills;
    return parse_rest(cursor, record);
}

static int parse_limit(struct cursor *cursor, struct dat_record *record)
{
    struct cursor which = {0};

    if (!take_detail(cursor, &which) || !is_plain_word(&which) ||
        !take_detail_integer(cursor, &record->limit) || record->limit < 0)
        return 0;
    record->text = which.at;
    record->length = (size_t)(which.end - which.at);
    return parse_rest(cursor, record);
}

static int parse_parts(struct cursor *cursor, struct dat_record *record)
{
    for (size_t i = 0; i < sizeof record->parts / sizeof record->parts[0]; i++) {
        int64_t bytes;

        if (!take_detail_integer(cursor, &bytes) || bytes < 0)
            return 0;
        record->parts[i] = (double)bytes / (1 << 20);
    }
    return parse_rest(cursor, record);
}

/* /pid memory moment */
static int parse_child_fact(struct cursor *cursor, struct dat_record *record)
{
    if (!take_detail_integer(cursor, &record->pid))
        return 0;
    return parse_rest(cursor, record);
}

/* /value memory moment */
static int parse_note_fact(struct cursor *cursor, struct dat_record *record)
{
    struct cursor detail = {0};

    if (!take_detail(cursor, &detail) || !take_number(&detail, &record->value))
        return 0;
    return parse_rest(cursor, record);
}

/* A detail that is a name, put back into what it was. */
static int take_detail_name(struct cursor *cursor, struct dat_record *record)
{
    struct cursor name = {0};

    if (!take_detail(cursor, &name) || name.at == name.end)
        return 0;
    record->text = name.at;
    record->length = undo_escapes(name.at, (size_t)(name.end - name.at));
    record->length = dat_record_plain_name(name.at, record->length);
    return 1;
}

/* /level/name memory moment */
static int parse_begin_fact(struct cursor *cursor, struct dat_record *record)
{
    int64_t level;

    if (!take_detail_integer(cursor, &level) || level < 0 || level > INT_MAX ||
        !take_detail_name(cursor, record))
        return 0;
    record->level = (int)level;
    return parse_rest(cursor, record);
}

/* /pid/name/objects/bytes memory moment */
static int parse_type(struct cursor *cursor, struct dat_record *record)
{
    if (!take_detail_integer(cursor, &record->pid) || !take_detail_name(cursor, record) ||
        !take_detail_integer(cursor, &record->objects) || record->objects < 0 ||
        !take_detail_integer(cursor, &record->bytes) || record->bytes < 0)
        return 0;
    return parse_rest(cursor, record);
}

/* /pid/backend/how/interval memory moment */
static int parse_run_fact(struct cursor *cursor, struct dat_record *record)
{
    struct cursor backend = {0}, how = {0}, interval = {0};

    if (!take_detail_integer(cursor, &record->pid) || !take_detail(cursor, &backend) ||
        !is_plain_word(&backend) || !take_detail(cursor, &how) || !take_detail(cursor, &interval) ||
        !take_number(&interval, &record->value))
        return 0;
    record->text = backend.at;
    record->length = (size_t)(how.end - backend.at);
    return parse_rest(cursor, record);
}

static int is_word(const struct cursor *detail, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(detail->end - detail->at) == length && memcmp(detail->at, word, length) == 0;
}

static int parse_end(struct cursor *cursor, struct dat_record *record)
{
    struct cursor how = {0};
    int64_t number;

    if (!take_detail_integer(cursor, &record->pid) || !take_detail(cursor, &how) ||
        !take_detail_integer(cursor, &number) || number < 0 || number > 255 ||
        !(is_word(&how, "exit") || is_word(&how, "signal")))
        return 0;
    record->text = how.at;
    record->length = (size_t)(how.end - how.at);
    record->value = (double)number;
    return parse_rest(cursor, record);
}

/* MEM stands first: most lines are samples. */
static const struct keyword {
    const char *name;
    size_t length;
    enum dat_kind kind;
    int (*parse)(struct cursor *cursor, struct dat_record *record);
} keywords[] = {
    {"MEM", 3, DAT_MEM, parse_mem},
    {"CHLD", 4, DAT_CHLD, parse_child},
    {"FUNC", 4, DAT_FUNC, parse_func},
    {"#PEAK", 5, DAT_PEAK, parse_child_fact},
    {"#SPIKE", 6, DAT_SPIKE, parse_child_fact},
    {"#BEGIN", 6, DAT_BEGIN, parse_begin_fact},
    {"#MISSED", 7, DAT_MISSED, parse_note_fact},
    {"#STEP", 5, DAT_STEP, parse_note_fact},
    {"#RUN", 4, DAT_RUN, parse_run_fact},
    {"PEAK", 4, DAT_PEAK, parse_child},
    {"SPIKE", 5, DAT_SPIKE, parse_child},
    {"BEGIN", 5, DAT_BEGIN, parse_begin},
    {"MISSED", 6, DAT_MISSED, parse_note},
    {"STEP", 4, DAT_STEP, parse_note},
    {"CMDLINE", 7, DAT_CMDLINE, parse_cmdline},
    {"RUN", 3, DAT_RUN, parse_run},
    {"#OOM", 4, DAT_OOM, parse_oom},
    {"#END", 4, DAT_END, parse_end},
    {"#LIMIT", 6, DAT_LIMIT, parse_limit},
    {"#PARTS", 6, DAT_PARTS, parse_parts},
    {"#TYPE", 5, DAT_TYPE, parse_type},
};

static const struct keyword *find_keyword(const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        const struct keyword *keyword = &keywords[i];

        if (length >= keyword->length && memcmp(line, keyword->name, keyword->length) == 0 &&
            (length == keyword->length || line[keyword->length] == ' ' ||
             (*line == '#' && line[keyword->length] == '/')))
            return keyword;
    }
    return NULL;
}

void dat_record_parse(char *line, size_t length, struct dat_record *record)
{
    const struct keyword *keyword;
    struct cursor cursor = {NULL, NULL, 0};

    /* Names have their \r escaped: one at the end is half a line end of another system. */
    if (length > 0 && line[length - 1] == '\r')
        length--;
    *record = (struct dat_record){.kind = DAT_UNKNOWN, .level = -1, .last_decimals = -1};
    keyword = find_keyword(line, length);
    if (keyword == NULL)
        return;
    /* A '/' stays: details are read from it on. */
    cursor.at = line + keyword->length;
    cursor.at += length > keyword->length && *cursor.at == ' ';
    cursor.end = line + length;
    record->kind = keyword->parse(&cursor, record) ? keyword->kind : DAT_BROKEN;
    if (record->last_decimals < 0)
        record->last_decimals = cursor.decimals;
}
