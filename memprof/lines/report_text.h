/* What tables and rankings have in common: heat, and numbers whatever the locale says. */
#ifndef MEMPROF_REPORT_TEXT_H
#define MEMPROF_REPORT_TEXT_H

#include <locale.h>

/*
 * The colour of a change on a terminal, "" for none: the hotter the larger its share of `all`, from
 * a hundredth on; red for what grew and green for what shrank. With an `all` of 0 any change has
 * the least heat, with one below 0 nothing is painted. report_cool ends it.
 */
const char *report_heat(double change, double all);
extern const char report_cool[];

/* Between the two decimals are points: the program may have set a comma. */
struct report_locale {
    locale_t plain, users;
};
void report_locale_begin(struct report_locale *locale);
void report_locale_end(const struct report_locale *locale);

#endif
