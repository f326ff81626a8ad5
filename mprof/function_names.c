#include "mprof/function_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

int function_names_all(struct function_names *names, const struct profile *profile)
{
    size_t kept = 0;

    *names = (struct function_names){calloc(profile->n_spans + 1, sizeof *names->at), 0};
    if (names->at == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < profile->n_spans; i++)
        names->at[i] = profile->spans[i].name;
    qsort(names->at, profile->n_spans, sizeof *names->at, compare);
    for (size_t i = 0; i < profile->n_spans; i++)
        if (kept == 0 || names->at[i] != names->at[kept - 1])
            names->at[kept++] = names->at[i];
    names->count = kept;
    return 0;
}

static bool is_called(const char *name, const char *wanted)
{
    return strcmp(name, wanted) == 0;
}

/* Whether the name ends in `wanted`, behind a dot. */
static bool ends_in(const char *name, const char *wanted)
{
    size_t length = strlen(name), own = strlen(wanted);

    return own > 0 && length > own && name[length - own - 1] == '.' &&
           strcmp(name + length - own, wanted) == 0;
}

/* module.Class.name, where module.name is wanted. */
static bool is_in_module(const char *name, const char *wanted)
{
    const char *last = strrchr(wanted, '.');
    size_t module = last == NULL ? 0 : (size_t)(last - wanted) + 1;

    return module > 1 && strncmp(name, wanted, module) == 0 && ends_in(name + module, last + 1);
}

/* Keeps those that fit; where none does, all stay. Returns how many do. */
static size_t keep(struct function_names *names, const char *wanted,
                   bool (*fits)(const char *name, const char *wanted))
{
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < names->count; i++)
        count += fits(names->at[i], wanted);
    for (size_t i = 0; i < names->count && count > 0; i++)
        if (fits(names->at[i], wanted))
            names->at[kept++] = names->at[i];
    if (count > 0)
        names->count = count;
    return count;
}

void function_names_choose(struct function_names *names, const char *wanted)
{
    if (keep(names, wanted, is_called) == 0 && keep(names, wanted, is_in_module) == 0 &&
        keep(names, wanted, ends_in) != 1)
        names->count = 0;
}

void function_names_release(struct function_names *names)
{
    free(names->at);
    *names = (struct function_names){NULL, 0};
}
