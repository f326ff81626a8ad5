#include "memprof/profile/peak_curve.h"

/* As close as samples are taken. */
#define LEAST_WIDTH 1e-3

/* Longer than any run; more would take doublings without an end. */
#define FARTHEST 1e12

static void double_width(struct peak_curve *curve)
{
    for (size_t i = 0; i < curve->used; i += 2) {
        float left = curve->most[i], right = i + 1 < curve->used ? curve->most[i + 1] : -1;

        curve->most[i / 2] = left > right ? left : right;
    }
    curve->used = (curve->used + 1) / 2;
    curve->width *= 2;
}

/* The bucket of a moment, which may lie behind the last. */
static double place_of(const struct peak_curve *curve, double moment)
{
    double place = (moment - curve->begin) / curve->width;

    return place > 0 ? place : 0;
}

void peak_curve_add(struct peak_curve *curve, double memory, double moment)
{
    size_t place;

    if (curve->width <= 0)
        *curve = (struct peak_curve){.begin = moment, .end = moment, .width = LEAST_WIDTH};
    if (moment - curve->begin > FARTHEST)
        moment = curve->begin + FARTHEST;
    while (place_of(curve, moment) >= PEAK_CURVE_BUCKETS)
        double_width(curve);
    place = (size_t)place_of(curve, moment);
    while (curve->used <= place)
        curve->most[curve->used++] = -1;
    if (memory > (double)curve->most[place])
        curve->most[place] = (float)memory;
    if (moment > curve->end)
        curve->end = moment;
}

double peak_curve_most(const struct peak_curve *curve, double from, double to)
{
    size_t first, behind;
    double most = -1;

    if (curve->used == 0 || to < curve->begin)
        return -1;
    behind =
        place_of(curve, to) < (double)curve->used ? (size_t)place_of(curve, to) + 1 : curve->used;
    first = place_of(curve, from) < (double)behind ? (size_t)place_of(curve, from) : behind - 1;
    for (size_t i = first; i < behind; i++)
        if ((double)curve->most[i] > most)
            most = (double)curve->most[i];
    while (most < 0 && first > 0)
        most = (double)curve->most[--first];
    return most;
}
