#include "plots/axis.h"
#include "plots/number.h"

#include <stdio.h>
#include <string.h>

#define MEBIBYTES_OF_A_GIBIBYTE 1024.0

/* From here on labels are in GiB, minutes and hours. */
#define GIBIBYTES_FROM (1.5 * MEBIBYTES_OF_A_GIBIBYTE)
#define MINUTES_FROM 120.0
#define HOURS_FROM 7200.0

/* The least of 1, 2 and 5 times a power of ten that is not below `rough`. */
static double round_step(double rough)
{
    double power = power_of_ten_below(rough);

    for (double digit = 1; digit <= 5; digit += digit == 1 ? 1 : 3)
        if (rough <= digit * power * (1 + 1e-9))
            return digit * power;
    return 10 * power;
}

static double round_time(double rough)
{
    static const double steps[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                   600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};

    if (rough < 1)
        return round_step(rough);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (rough <= steps[i])
            return steps[i];
    return 86400 * round_step(rough / 86400);
}

static int decimals_of(double step)
{
    int decimals = 0;

    /* Steps are 1, 2 or 5 times a power of ten: what is left after that is rounding. */
    while (decimals < 9 && magnitude(step - nearest_whole(step)) > 1e-6 * step) {
        step *= 10;
        decimals++;
    }
    return decimals;
}

void axis_of_memory(struct axis *axis, double most, int ticks)
{
    if (!(most > 0))
        most = 1;
    axis->unit = most >= GIBIBYTES_FROM ? MEBIBYTES_OF_A_GIBIBYTE : 1;
    axis->title = axis->unit > 1 ? "memory (GiB)" : "memory (MiB)";
    axis->low = 0;
    axis->high = most * AXIS_HEADROOM;
    axis->form = AXIS_NUMBER;
    axis->step = round_step(axis->high / axis->unit / ticks);
    axis->decimals = decimals_of(axis->step);
    axis->step *= axis->unit;
}

int axis_of_rows(struct axis *axis, double most, int *rows)
{
    int least = *rows < 12 ? 2 : *rows < 24 ? 3 : 4, best = *rows;
    double of_a_row = 0;

    if (!(most > 0))
        most = 1;
    axis_of_memory(axis, most, 1);
    /* Of six distances one wastes little: of round steps none is above 2.5 times the one before. */
    for (int every = least < *rows ? least : *rows; every < least + 6 && every <= *rows; every++) {
        double step = round_step(most / axis->unit * every / *rows) * axis->unit;

        if (of_a_row > 0 && step / every >= of_a_row * (1 - 1e-9))
            continue;
        best = every;
        axis->step = step;
        of_a_row = step / every;
    }
    while (*rows > 1 && of_a_row * (*rows - 1) >= most)
        --*rows;
    axis->high = of_a_row * *rows;
    axis->decimals = decimals_of(axis->step / axis->unit);
    return best;
}

void axis_of_time(struct axis *axis, double low, double high, int ticks)
{
    if (!(high > low))
        high = low + 1e-3;
    axis->low = low;
    axis->high = high;
    axis->unit = 1;
    axis->decimals = 0;
    if (high < MINUTES_FROM) {
        axis->form = AXIS_NUMBER;
        axis->step = round_step((high - low) / ticks);
        axis->decimals = decimals_of(axis->step);
        axis->title = "time (s)";
        return;
    }
    axis->step = round_time((high - low) / ticks);
    axis->form = high < HOURS_FROM ? AXIS_MINUTE_SECOND : AXIS_HOUR_MINUTE;
    if (axis->form == AXIS_HOUR_MINUTE && axis->step < 60)
        axis->step = 60;
    axis->title = axis->form == AXIS_HOUR_MINUTE ? "time (h:min)" : "time (min:s)";
    if (axis->form == AXIS_MINUTE_SECOND && axis->step < 1)
        axis->step = 1;
}

double axis_first_tick(const struct axis *axis)
{
    double place = nearest_whole(axis->low / axis->step);

    /* A tick at the very edge belongs to the scale, whatever the division has rounded. */
    if (place < axis->low / axis->step - 1e-9)
        place++;
    return axis->step * place;
}

void axis_label(const struct axis *axis, double value, char text[PLOT_NUMBER_SIZE])
{
    long long whole = (long long)(smaller(magnitude(value), 1e15) + 0.5);
    /* Rounded to whole seconds, -0.5 and above are 0, which has no sign. */
    const char *sign = value < -0.5 ? "-" : "";
    char *comma;

    if (axis->form == AXIS_MINUTE_SECOND) {
        snprintf(text, PLOT_NUMBER_SIZE, "%s%lld:%02lld", sign, whole / 60, whole % 60);
    } else if (axis->form == AXIS_HOUR_MINUTE) {
        snprintf(text, PLOT_NUMBER_SIZE, "%s%lld:%02lld", sign, whole / 3600, whole / 60 % 60);
    } else {
        /* Adding 0.0 makes a negative zero positive: the label is 0, not -0. */
        snprintf(text, PLOT_NUMBER_SIZE, "%.*f", axis->decimals, value / axis->unit + 0.0);
        comma = strchr(text, ',');
        if (comma != NULL)
            *comma = '.';
    }
}
