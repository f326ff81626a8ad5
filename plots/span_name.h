/* What is shown of the name of a marked call or block. */
#ifndef PLOTS_SPAN_NAME_H
#define PLOTS_SPAN_NAME_H

#include <stdbool.h>
#include <string.h>

/* Blocks of profile.timestamp() are recorded as functions of no module. */
static inline bool span_name_is_block(const char *name)
{
    return name[0] == '.';
}

/* A function without its module and class, the label of a block; borrowed: a part of the name. */
static inline const char *span_name_short(const char *name)
{
    const char *dot = span_name_is_block(name) ? name : strrchr(name, '.');

    return dot == NULL || dot[1] == '\0' ? name : dot + 1;
}

#endif
