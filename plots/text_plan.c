#include "plots/text_plan.h"

#include <stdbool.h>

/* Rows of one curve: at the least, and where there is no window. */
#define LEAST_HEIGHT 4
#define USUAL_HEIGHT 20

/* A curve is not higher than this part of its columns, or its slopes say nothing. */
#define STEEPEST 6

static int smaller_of(int a, int b)
{
    return a < b ? a : b;
}

static int larger_of(int a, int b)
{
    return a > b ? a : b;
}

/* Moves rows from *spare to *part, up to what it wishes. */
static void grant(int *part, int wish, int rows, int *spare)
{
    int granted = smaller_of(smaller_of(wish - *part, rows), *spare);

    if (granted > 0) {
        *part += granted;
        *spare -= granted;
    }
}

/* One row after the other, so that neither takes what the other needs. */
static void share(struct text_plan *plan, const struct text_wish *wish, int *spare)
{
    for (int before = -1; *spare > 0 && *spare != before;) {
        before = *spare;
        grant(&plan->lanes, wish->lanes, 1, spare);
        grant(&plan->children, wish->children, 1, spare);
    }
}

static struct text_plan plan_without_window(const struct text_wish *wish)
{
    return (struct text_plan){.subtitle = wish->subtitle,
                              .lanes = wish->lanes,
                              .children = wish->children,
                              .trend = wish->trend,
                              .notes = wish->notes,
                              .height = USUAL_HEIGHT,
                              .has_peaks = true};
}

/* Rows for the curves and what is optional: without prompt, title, scale and legends. */
static int rows_for_curves(const struct text_wish *wish, int rows)
{
    return rows - 1 - 1 - 2 - (wish->curves > 1 ? wish->curves : 0);
}

struct text_plan text_plan_make(const struct text_wish *wish, int rows, int columns)
{
    struct text_plan plan = {.height = 1};
    int spare = rows_for_curves(wish, rows), least;

    if (rows == 0)
        return plan_without_window(wish);
    plan.has_peaks = spare >= wish->curves * (LEAST_HEIGHT + 1);
    spare -= plan.has_peaks ? wish->curves : 0;
    /* The curve is what a chart is for: a third of the window is its own. */
    least = larger_of(LEAST_HEIGHT * wish->curves, rows / 3);
    spare -= least;
    grant(&plan.trend, wish->trend, 1, &spare);
    grant(&plan.subtitle, wish->subtitle, 1, &spare);
    grant(&plan.notes, wish->notes, wish->notes, &spare);
    share(&plan, wish, &spare);
    grant(&plan.subtitle, wish->subtitle, wish->subtitle, &spare);
    plan.height = larger_of((spare + least) / wish->curves, 1);
    plan.height = smaller_of(plan.height, larger_of(USUAL_HEIGHT, columns / STEEPEST));
    return plan;
}
