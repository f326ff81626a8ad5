#include "plots/limit_text.h"

#include <stdio.h>

#define MEBIBYTE (INT64_C(1) << 20)
#define GIBIBYTE (INT64_C(1) << 30)

void limit_text(int64_t bytes, char text[PLOT_NUMBER_SIZE])
{
    if (bytes % GIBIBYTE == 0)
        snprintf(text, PLOT_NUMBER_SIZE, "%lld GiB", (long long)(bytes / GIBIBYTE));
    else if (bytes % MEBIBYTE == 0)
        snprintf(text, PLOT_NUMBER_SIZE, "%lld MiB", (long long)(bytes / MEBIBYTE));
    else
        plot_text_memory((double)bytes / MEBIBYTE, text);
}

const char *limit_text_name(enum profile_limit limit)
{
    return limit == PROFILE_CGROUP ? "cgroup limit" : "RLIMIT_AS";
}
