#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plots/plot_text.h"
#include "plots/screen.h"

enum { COLUMNS = 20, ROWS = 4, CELL = 16 };

/* A terminal: what it shows, a character or the right half of a wide one ("") in each cell. */
struct terminal {
    char cells[ROWS][COLUMNS][CELL];
    int row, column;
    size_t written;
};

static void terminal_put(struct terminal *terminal, const char *from, size_t length)
{
    char one[8] = "";
    int columns;

    memcpy(one, from, length);
    columns = plot_text_columns(one);
    if (columns == 0) {
        strncat(terminal->cells[terminal->row][terminal->column - 1], one, length);
        return;
    }
    assert_true(terminal->column + columns <= COLUMNS);
    memcpy(terminal->cells[terminal->row][terminal->column], one, sizeof one);
    if (columns == 2)
        terminal->cells[terminal->row][terminal->column + 1][0] = '\0';
    terminal->column += columns;
}

/* Only what a screen is allowed to send: places, styles and updates. */
static const char *terminal_obey(struct terminal *terminal, const char *at)
{
    int row, column, length = 0;

    if (strncmp(at, "\x1b[?2026", 7) == 0)
        return at + 8;
    if (sscanf(at, "\x1b[%d;%dH%n", &row, &column, &length) == 2 && length > 0) {
        terminal->row = row - 1;
        terminal->column = column - 1;
        return at + length;
    }
    at += 2;
    at += strspn(at, "0123456789;");
    assert_int_equal(*at, 'm');
    return at + 1;
}

static void show(struct terminal *terminal, struct screen *screen)
{
    char *text;
    const char *at;
    FILE *out = open_memstream(&text, &terminal->written);

    screen_write(screen, out);
    assert_int_equal(fclose(out), 0);
    for (at = text; *at != '\0';) {
        const char *from = at;

        if (*at == '\x1b') {
            at = terminal_obey(terminal, at);
            continue;
        }
        plot_text_next(&at);
        terminal_put(terminal, from, (size_t)(at - from));
    }
    free(text);
}

static void assert_row(const struct terminal *terminal, int row, const char *expected)
{
    char text[COLUMNS * CELL] = "";

    for (int i = 0; i < COLUMNS; i++)
        strncat(text, terminal->cells[row][i], CELL);
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' ';)
        text[--length] = '\0';
    assert_string_equal(text, expected);
}

static void begin(struct screen *screen, int utf8, enum text_colours colours)
{
    screen_init(screen, utf8, colours);
    assert_int_equal(screen_resize(screen, COLUMNS, ROWS), 0);
}

static void test_only_what_has_changed_is_written(void **state)
{
    struct terminal terminal = {0};
    struct screen screen;

    (void)state;
    begin(&screen, 1, TEXT_16);
    screen_put(&screen, 0, 0, COLUMNS, SCREEN_BOLD, "a title");
    screen_put(&screen, 2, 3, COLUMNS, SCREEN_PLAIN, "12.3 MiB");
    show(&terminal, &screen);
    assert_row(&terminal, 0, "a title");
    assert_row(&terminal, 2, "   12.3 MiB");
    assert_row(&terminal, 3, "");
    show(&terminal, &screen);
    assert_int_equal(terminal.written, 0);
    screen_clear(&screen);
    screen_put(&screen, 0, 0, COLUMNS, SCREEN_BOLD, "a title");
    screen_put(&screen, 2, 3, COLUMNS, SCREEN_PLAIN, "12.4 MiB");
    show(&terminal, &screen);
    assert_row(&terminal, 2, "   12.4 MiB");
    /* A place, a character, and the update around them. */
    assert_true(terminal.written <= strlen("\x1b[?2026h\x1b[3;7H4\x1b[?2026l"));
    screen_forget(&screen);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        memcpy(terminal.cells[i / COLUMNS][i % COLUMNS], "x", 2);
    show(&terminal, &screen);
    assert_row(&terminal, 1, "");
    assert_row(&terminal, 2, "   12.4 MiB");
    screen_release(&screen);
}

static void test_what_is_too_long_is_cut(void **state)
{
    struct terminal terminal = {0};
    struct screen screen;

    (void)state;
    begin(&screen, 1, TEXT_PLAIN);
    assert_int_equal(screen_put(&screen, 0, 0, 5, SCREEN_PLAIN, "abcdefgh"), 5);
    assert_int_equal(screen_put(&screen, 0, 5, 3, SCREEN_PLAIN, "漢字"), 8);
    screen_put(&screen, 1, 17, 100, SCREEN_PLAIN, "beyond the edge");
    screen_put_right(&screen, 2, 0, 8, SCREEN_PLAIN, "12");
    screen_put_right(&screen, 2, 10, 3, SCREEN_PLAIN, "1234");
    screen_put(&screen, ROWS, 0, 5, SCREEN_PLAIN, "no such row");
    screen_put(&screen, -1, 0, 5, SCREEN_PLAIN, "no such row");
    screen_put(&screen, 0, COLUMNS, 5, SCREEN_PLAIN, "no such column");
    show(&terminal, &screen);
    assert_row(&terminal, 0, "abcd…漢…");
    assert_row(&terminal, 1, "                 be…");
    assert_row(&terminal, 2, "      12  12…");
    screen_release(&screen);
}

static void test_ascii(void **state)
{
    struct terminal terminal = {0};
    struct screen screen;

    (void)state;
    begin(&screen, 0, TEXT_PLAIN);
    screen_put(&screen, 0, 0, COLUMNS, SCREEN_CURVE, "caf\u00e9 漢 e\u0301");
    screen_put(&screen, 1, 0, 4, SCREEN_BOLD, "abcdefgh");
    show(&terminal, &screen);
    assert_row(&terminal, 0, "caf? ? e?");
    assert_row(&terminal, 1, "abc~");
    screen_release(&screen);
}

static void test_wide_characters_and_marks(void **state)
{
    struct terminal terminal = {0};
    struct screen screen;

    (void)state;
    begin(&screen, 1, TEXT_PLAIN);
    screen_put(&screen, 0, 0, COLUMNS, SCREEN_PLAIN, "漢字ab");
    screen_put(&screen, 1, 0, COLUMNS, SCREEN_PLAIN, "e\u0301e");
    show(&terminal, &screen);
    assert_row(&terminal, 0, "漢字ab");
    assert_row(&terminal, 1, "e\u0301e");
    /* Over the right half of one, and over the left half of the next. */
    screen_put(&screen, 0, 1, 2, SCREEN_PLAIN, "xy");
    show(&terminal, &screen);
    assert_row(&terminal, 0, " xy ab");
    screen_release(&screen);
}

/* Frames of all kinds of text one after the other: the terminal shows each. */
static void test_any_frame_after_any_other(void **state)
{
    static const char *const pieces[] = {"a", "字", "é", "e\u0301", "🎉", "│", "⣿", "·", " ", "…"};
    struct terminal terminal = {0}, fresh = {0};
    struct screen screen, other;
    unsigned random = 1;

    (void)state;
    begin(&screen, 1, TEXT_TRUE);
    for (int frame = 0; frame < 300; frame++) {
        begin(&other, 1, TEXT_TRUE);
        screen_clear(&screen);
        for (int i = 0; i < 60; i++) {
            const char *piece;
            int row, column;

            random = random * 1103515245 + 12345;
            piece = pieces[random / 65536 % 10];
            row = (int)(random / 7 % ROWS);
            column = (int)(random / 1024 % COLUMNS);
            screen_put(&screen, row, column, 3, random / 3 % SCREEN_STYLES, piece);
            screen_put(&other, row, column, 3, random / 3 % SCREEN_STYLES, piece);
        }
        show(&terminal, &screen);
        show(&fresh, &other);
        assert_memory_equal(screen.cells, other.cells, sizeof *other.cells * ROWS * COLUMNS);
        for (int i = 0; i < ROWS * COLUMNS; i++)
            assert_string_equal(terminal.cells[i / COLUMNS][i % COLUMNS],
                                fresh.cells[i / COLUMNS][i % COLUMNS]);
        screen_release(&other);
    }
    screen_release(&screen);
}

static void test_no_colours(void **state)
{
    struct terminal terminal = {0};
    struct screen screen;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)state;
    begin(&screen, 1, TEXT_PLAIN);
    for (int style = 0; style < SCREEN_STYLES; style++)
        screen_put(&screen, 0, style, 1, (enum screen_style)style, "x");
    screen_write(&screen, out);
    assert_int_equal(fclose(out), 0);
    assert_null(strchr(text, 'm'));
    free(text);
    show(&terminal, &screen);
    assert_int_equal(screen_resize(&screen, 0, 0), 0);
    show(&terminal, &screen);
    assert_int_equal(terminal.written, 0);
    screen_release(&screen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_has_changed_is_written),
        cmocka_unit_test(test_what_is_too_long_is_cut),
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_wide_characters_and_marks),
        cmocka_unit_test(test_any_frame_after_any_other),
        cmocka_unit_test(test_no_colours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
