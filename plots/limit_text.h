/* Limits of memory as text: "512 MiB", "2 GiB"; those that are not whole as other amounts. */
#ifndef PLOTS_LIMIT_TEXT_H
#define PLOTS_LIMIT_TEXT_H

#include <stdint.h>

#include "memprof/profile/profile.h"
#include "plots/plot_text.h"

void limit_text(int64_t bytes, char text[PLOT_NUMBER_SIZE]);

/* What a limit is called: "cgroup limit", "RLIMIT_AS". */
const char *limit_text_name(enum profile_limit limit);

#endif
