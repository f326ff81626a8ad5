/* What must hold for every chart that is written; where it does not, the fuzzer ends. */
#ifndef TESTS_CHECK_OUTPUTS_H
#define TESTS_CHECK_OUTPUTS_H

#include <stddef.h>

/* Outside of literals stand our own words and numbers only; literals hold nothing that acts. */
void check_gnuplot(const char *script, size_t length);

/* Names are text, the data are JSON, and nothing ends a script but ourselves. */
void check_page(const char *page, size_t length);

#endif
