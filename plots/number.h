/*
 * The few functions of arithmetic that charts need. Not those of <math.h>: the shared libm would
 * add 0.3 MiB to what mprof holds while it samples.
 */
#ifndef PLOTS_NUMBER_H
#define PLOTS_NUMBER_H

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

static inline double smaller(double a, double b)
{
    return a < b ? a : b;
}

static inline double magnitude(double a)
{
    return a < 0 ? -a : a;
}

/* The whole number that is nearest. */
static inline double nearest_whole(double a)
{
    if (!(magnitude(a) < 1e15))
        return a; /* it is one already, or has no place in a long long */
    return (double)(long long)(a < 0 ? a - 0.5 : a + 0.5);
}

/* The greatest power of ten that is not above a positive number: 0.01 of 0.05. */
static inline double power_of_ten_below(double a)
{
    double power = 1;

    while (power * 10 <= a && power < 1e300)
        power *= 10;
    while (power > a && power > 1e-300)
        power /= 10;
    return power;
}

#endif
