#include "plots/top_curve.h"

#include <stdbool.h>
#include <stdio.h>

#include "plots/axis.h"
#include "plots/number.h"

/* Columns before the curve: a label and the line. */
#define LEFT 10

#define MEBIBYTE (1 << 20)

/* What a drawing goes by. */
struct curve {
    const struct live_run *run;
    struct axis memory;
    double begin, end; /* moments */
    int top, height, width;
};

int64_t top_curve_limit(const struct live_run *run, enum profile_limit *which)
{
    int64_t least = 0;

    for (int i = 0; i < PROFILE_LIMITS; i++)
        if (run->limits[i] > 0 && (least == 0 || run->limits[i] < least)) {
            least = run->limits[i];
            *which = (enum profile_limit)i;
        }
    return least;
}

/* The cgroup's limit stands in the picture once half of it is passed; addresses are not memory. */
static double drawn_limit(const struct live_run *run)
{
    double limit = (double)run->limits[PROFILE_CGROUP] / MEBIBYTE;

    return limit > 0 && run->peak.memory > limit / 2 ? limit : 0;
}

/* The most in a part of the width, counted in half columns; below 0: nothing is known. */
static double most_of(const struct curve *curve, int half)
{
    double width = (curve->end - curve->begin) / (2 * curve->width);
    double from = curve->begin + half * width;

    return peak_curve_most(&curve->run->curve, from, from + width);
}

/* How many of a cell's levels a height fills. */
static int level_of(const struct curve *curve, double memory, int row, int levels)
{
    double place = (memory / curve->memory.high * curve->height - row) * levels;

    return (int)smaller(larger(place + 0.5, 0), levels);
}

/* Each half of a cell of braille has four dots: U+2800 and a bit for each. */
static void braille(int left, int right, char text[4])
{
    static const unsigned lefts[] = {0, 0x40, 0x44, 0x46, 0x47};
    static const unsigned rights[] = {0, 0x80, 0xA0, 0xB0, 0xB8};
    unsigned dots = lefts[left] | rights[right];

    text[0] = (char)0xE2;
    text[1] = (char)(0xA0 | dots >> 6);
    text[2] = (char)(0x80 | (dots & 0x3F));
    text[3] = '\0';
}

static bool has_peak(const struct curve *curve, int column)
{
    double share = (curve->run->peak.moment - curve->begin) / (curve->end - curve->begin);

    return share >= 0 && column == (int)smaller(share * curve->width, curve->width - 1);
}

static void put_cell(struct screen *screen, const struct curve *curve, int row, int column)
{
    static const char *const ascii[] = {" ", ".", ":", "|", "#"};
    double memory[2] = {most_of(curve, 2 * column), most_of(curve, 2 * column + 1)};
    double limit = drawn_limit(curve->run) / curve->memory.high * curve->height;
    int left = level_of(curve, memory[0], row, 4), right = level_of(curve, memory[1], row, 4);
    enum screen_style style = has_peak(curve, column) ? SCREEN_PEAK : SCREEN_CURVE;
    int at = curve->top + curve->height - 1 - row;
    char text[4];

    if (left + right > 0 && screen->utf8) {
        braille(left, right, text);
        screen_put(screen, at, LEFT + column, 1, style, text);
    } else if (left + right > 0) {
        screen_put(screen, at, LEFT + column, 1, style, ascii[left > right ? left : right]);
    } else if (limit > row && limit <= row + 1) {
        screen_put(screen, at, LEFT + column, 1, SCREEN_LIMIT, screen->utf8 ? "╌" : "-");
    }
}

static void put_row(struct screen *screen, const struct curve *curve, int row, int every)
{
    bool has_label = (row + 1) % every == 0;
    int at = curve->top + curve->height - 1 - row;
    char number[PLOT_NUMBER_SIZE], label[PLOT_NUMBER_SIZE + 4];

    axis_label(&curve->memory, curve->memory.step * (row + 1) / every, number);
    snprintf(label, sizeof label, "%s %s", number, curve->memory.unit > 1 ? "GiB" : "MiB");
    if (has_label)
        screen_put_right(screen, at, 0, LEFT - 2, SCREEN_PLAIN, label);
    screen_put(screen, at, LEFT - 1, 1, SCREEN_PLAIN, !screen->utf8 ? "|" : has_label ? "┤" : "│");
    for (int column = 0; column < curve->width; column++)
        put_cell(screen, curve, row, column);
}

/* "0 s ──── 1:23 min" */
static void put_scale(struct screen *screen, const struct curve *curve)
{
    char label[PLOT_NUMBER_SIZE];
    int row = curve->top + curve->height, end = LEFT + curve->width;

    screen_put_right(screen, row, 0, LEFT - 2, SCREEN_PLAIN, "0");
    screen_put(screen, row, LEFT - 1, 1, SCREEN_PLAIN, screen->utf8 ? "└" : "+");
    for (int column = LEFT; column < end; column++)
        screen_put(screen, row, column, 1, SCREEN_PLAIN, screen->utf8 ? "─" : "-");
    plot_text_duration(curve->end - curve->begin, label);
    screen_put_right(screen, row, LEFT, curve->width, SCREEN_PLAIN, label);
}

void top_curve_draw(struct screen *screen, int top, int rows, const struct live_run *run,
                    double now)
{
    struct curve curve = {
        .run = run, .begin = run->start, .end = now, .width = screen->columns - LEFT};
    int every, drawn = rows - 1;

    if (curve.width < 1 || drawn < 1 || run->samples == 0)
        return;
    if (!(curve.end - curve.begin > 1e-3))
        curve.end = curve.begin + 1e-3;
    every = axis_of_rows(&curve.memory, larger(run->peak.memory, drawn_limit(run)), &drawn);
    curve.height = drawn;
    curve.top = top + rows - 1 - drawn;
    for (int row = 0; row < drawn; row++)
        put_row(screen, &curve, row, every);
    put_scale(screen, &curve);
}
