/* The name in a record as text of its own. */
#ifndef MEMPROF_DAT_NAME_H
#define MEMPROF_DAT_NAME_H

#include <stdlib.h>
#include <string.h>

#include "memprof/profile/dat_record.h"

/* A copy, NUL bytes as blanks; to be freed. NULL: no memory. */
static inline char *dat_name_copy(const struct dat_record *record)
{
    char *name = malloc(record->length + 1);

    if (name == NULL)
        return NULL;
    memcpy(name, record->text, record->length);
    name[record->length] = '\0';
    for (size_t i = 0; i < record->length; i++)
        if (name[i] == '\0')
            name[i] = ' ';
    return name;
}

#endif
