#include "plots/plot_text.h"
#include "plots/number.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT 0xFFFD
#define MIDDLE_DOT 0xB7

/* Advance widths of DejaVu Sans, printable ASCII, in hundredths of the font's size. */
static const unsigned char widths[95] = {
    32, 40, 46, 84, 64, 95, 78, 27, 39,  39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69,  61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63,  63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
};

/* Bold letters are wider by about this much. */
#define BOLD_WIDER 1.12

/* ---- characters ---- */

/* Reads one character of bytes that may be anything. Returns how many it took, at least 1. */
static size_t decode(const unsigned char *at, size_t length, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] < 0x80       ? 1
                  : at[0] >> 5 == 6  ? 2
                  : at[0] >> 4 == 14 ? 3
                  : at[0] >> 3 == 30 ? 4
                                     : 0;
    uint32_t value = size == 1 ? at[0] : size == 0 ? 0 : at[0] & (0x7Fu >> size);

    *character = REPLACEMENT;
    /* Any fault takes one byte: the next may begin a good character. */
    if (size == 0 || size > length)
        return 1;
    for (size_t i = 1; i < size; i++) {
        if (at[i] >> 6 != 2)
            return 1;
        value = value << 6 | (at[i] & 0x3Fu);
    }
    /* Longer forms than needed, and halves of surrogate pairs, are no UTF-8. */
    if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return 1;
    *character = value;
    return size;
}

static size_t encode(uint32_t character, char *to)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

struct range {
    uint32_t first, last;
};

/* The ranges rise. */
static bool is_in(uint32_t character, const struct range *ranges, size_t count)
{
    size_t i = 0;

    while (i < count && character > ranges[i].last)
        i++;
    return i < count && character >= ranges[i].first;
}

#define IS_IN(character, ranges) is_in(character, ranges, sizeof(ranges) / sizeof(ranges)[0])

/* Controls, marks of direction, separators, what cannot be seen or is no character. */
static bool is_harmful(uint32_t character)
{
    static const struct range ranges[] = {
        {0, 0x1F},        {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},   {0x180E, 0x180E},
        {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},   {0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF},
        {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF},
    };

    return IS_IN(character, ranges) || (character & 0xFFFE) == 0xFFFE;
}

static bool is_combining(uint32_t character)
{
    static const struct range ranges[] = {
        {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},     {0x64B, 0x65F},
        {0x93C, 0x94D},   {0xE31, 0xE3A},   {0xE47, 0xE4E},   {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF},
        {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF},
    };

    return IS_IN(character, ranges);
}

/* East Asian wide characters and emoji: two columns of a terminal. */
static bool is_wide(uint32_t character)
{
    static const struct range ranges[] = {
        {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23F3},   {0x25FD, 0x25FE},
        {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},
        {0x26A1, 0x26A1},   {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},
        {0x26CE, 0x26CE},   {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F5},
        {0x26FA, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},
        {0x274C, 0x274E},   {0x2753, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27BF},
        {0x2B1B, 0x2B55},   {0x2E80, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},
        {0xF900, 0xFAFF},   {0xFE10, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
        {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F64F}, {0x1F680, 0x1F6FF},
        {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD},
    };

    return IS_IN(character, ranges);
}

static uint32_t shown(uint32_t character, const struct plot_spec *spec)
{
    if (is_harmful(character))
        return MIDDLE_DOT;
    if (character >= 0x80 && spec->can_show != NULL && !spec->can_show(spec->context, character))
        return '?';
    return character;
}

char *plot_text_scrub(const char *bytes, size_t length, const struct plot_spec *spec)
{
    /* A byte becomes three at most: U+FFFD, and the bracket that replaces '>'. */
    char *text = length > SIZE_MAX / 4 ? NULL : malloc(3 * length + 1);
    size_t used = 0, size;
    uint32_t character;

    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < length; at += size) {
        size = decode((const unsigned char *)bytes + at, length - at, &character);
        if (character == '>' && used >= 2 && memcmp(text + used - 2, "]]", 2) == 0)
            character = 0x203A;
        used += encode(shown(character, spec), text + used);
    }
    text[used] = '\0';
    return text;
}

/* "\U000e0001" and its NUL. */
#define ESCAPE_SIZE 11

/* One character, or a byte that is none, as it can be seen. Returns how many bytes that took. */
static size_t put_visible(char *to, uint32_t character, bool is_byte)
{
    const char *form = character < 0x100 ? "\\x%02x" : character < 0x10000 ? "\\u%04x" : "\\U%08x";

    if (!is_byte && !is_harmful(character))
        return encode(character, to);
    return (size_t)snprintf(to, ESCAPE_SIZE, form, (unsigned)character);
}

char *plot_text_visible(const char *bytes, size_t length)
{
    const unsigned char *from = (const unsigned char *)bytes;
    char *text = length > SIZE_MAX / ESCAPE_SIZE - 1 ? NULL : malloc(ESCAPE_SIZE * (length + 1));
    size_t used = 0, size;
    uint32_t character;

    if (text == NULL)
        return NULL;
    for (size_t at = 0; at < length; at += size) {
        bool is_byte;

        size = decode(from + at, length - at, &character);
        is_byte = size == 1 && from[at] >= 0x80;
        used += put_visible(text + used, is_byte ? from[at] : character, is_byte);
    }
    text[used] = '\0';
    return text;
}

uint32_t plot_text_next(const char **text)
{
    uint32_t character;

    if (**text == '\0')
        return 0;
    *text += decode((const unsigned char *)*text, strnlen(*text, 4), &character);
    return character;
}

/* ---- measures ---- */

static double advance(uint32_t character)
{
    if (character >= ' ' && character <= '~')
        return widths[character - ' '] / 100.0;
    if (is_combining(character))
        return 0;
    return is_wide(character) || character == 0x2026 ? 1.0 : 0.75;
}

double plot_text_width(const char *text, double size, int bold)
{
    double width = 0;

    while (*text != '\0')
        width += advance(plot_text_next(&text));
    return width * size * (bold ? BOLD_WIDER : 1);
}

int plot_text_columns(const char *text)
{
    int columns = 0;

    while (*text != '\0') {
        uint32_t character = plot_text_next(&text);

        columns += is_combining(character) ? 0 : is_wide(character) ? 2 : 1;
    }
    return columns;
}

char *plot_text_fit(const char *text, double size, int bold, double width)
{
    static const char dots[] = "…";
    double scale = size * (bold ? BOLD_WIDER : 1), used = 0;
    const char *at = text, *keep = text;
    int columns = 0;
    char *copy;

    if (plot_text_width(text, size, bold) <= width)
        return strdup(text);
    if (scale > width)
        return strdup("");
    while (*at != '\0') {
        uint32_t character = plot_text_next(&at);

        used += scale * advance(character);
        if (used + scale > width)
            break;
        keep = at;
        columns += is_wide(character) ? 2 : 1;
    }
    if (columns < PLOT_LEAST_LETTERS)
        keep = text;
    copy = malloc((size_t)(keep - text) + sizeof dots);
    if (copy != NULL) {
        memcpy(copy, text, (size_t)(keep - text));
        memcpy(copy + (keep - text), keep == text ? "" : dots, keep == text ? 1 : sizeof dots);
    }
    return copy;
}

/* ---- numbers ---- */

/* printf of one number without the locale's decimal point. */
static void print_number(char *text, size_t size, int decimals, double number)
{
    char *point;

    snprintf(text, size, "%.*f", decimals, number);
    point = strpbrk(text, ",");
    if (point != NULL)
        *point = '.';
}

void plot_text_memory(double mebibytes, char text[PLOT_NUMBER_SIZE])
{
    double size = magnitude(mebibytes), gibibytes = mebibytes / 1024;
    char number[PLOT_NUMBER_SIZE - 4];

    /* Limits lie where rounding would give a digit more: 99.95 would be printed as 100.0. */
    if (size >= 1023.5)
        print_number(number, sizeof number, size >= 1024 * 99.95 ? 0 : 2, gibibytes);
    else
        print_number(number, sizeof number, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2, mebibytes);
    snprintf(text, PLOT_NUMBER_SIZE, "%s %s", number, size >= 1023.5 ? "GiB" : "MiB");
}

void plot_text_duration(double seconds, char text[PLOT_NUMBER_SIZE])
{
    char number[PLOT_NUMBER_SIZE - 6];
    long long whole = (long long)smaller(magnitude(seconds) + 0.5, 1e15);

    /* As in plot_text_memory(): 999.5 would be printed as 1000. */
    if (seconds < 0.9995e-3) {
        print_number(number, sizeof number, 0, seconds * 1e6);
        snprintf(text, PLOT_NUMBER_SIZE, "%s µs", number);
    } else if (seconds < 0.9995) {
        print_number(number, sizeof number, seconds < 0.00995 ? 1 : 0, seconds * 1e3);
        snprintf(text, PLOT_NUMBER_SIZE, "%s ms", number);
    } else if (seconds < 120) {
        print_number(number, sizeof number, seconds < 9.995 ? 2 : 1, seconds);
        snprintf(text, PLOT_NUMBER_SIZE, "%s s", number);
    } else if (whole < 7200) {
        snprintf(text, PLOT_NUMBER_SIZE, "%lld:%02lld min", whole / 60, whole % 60);
    } else {
        snprintf(text, PLOT_NUMBER_SIZE, "%lld:%02lld h", whole / 3600, whole / 60 % 60);
    }
}

void plot_text_count(uint64_t count, char text[PLOT_NUMBER_SIZE])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ' ';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}
