/* What must hold for every chart that is written; where it does not, the fuzzer ends. */
#ifndef TESTS_CHECK_OUTPUTS_H
#define TESTS_CHECK_OUTPUTS_H

#include <stddef.h>

/* Outside of literals stand our own words and numbers only; literals hold nothing that acts. */
void check_gnuplot(const char *script, size_t length);

/* Names are text, the data are JSON, and nothing ends a script but ourselves. */
void check_page(const char *page, size_t length);

/* The whole is one value of JSON; each line is a remark of ours, or a name, labels and a number. */
void check_trace(const char *trace, size_t length);
void check_metrics(const char *text, size_t length);

#endif
