#include "memprof/profile/open_spans.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/dat_name.h"
#include "memprof/profile/dat_scan.h"

/* Calls of the same name and moment: of several threads or processes. */
struct open_activation {
    struct open_span span;
    size_t open;
    struct open_activation *next,
        **back; /* of the list, which is how all of them are found at the end */
};

static int compare(const void *left, const void *right)
{
    const struct open_span *a = left, *b = right;

    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int latest_first(const void *left, const void *right)
{
    return compare(right, left);
}

static void unlink_activation(struct open_set *set, struct open_activation *activation)
{
    tdelete(&activation->span, &set->tree, compare);
    *activation->back = activation->next;
    if (activation->next != NULL)
        activation->next->back = activation->back;
    free(activation->span.name);
    free(activation);
    set->count--;
    set->changes++;
}

static int add_activation(struct open_set *set, const struct open_span *span)
{
    struct open_activation *activation = malloc(sizeof *activation);
    char *name = strdup(span->name);

    /* The tree holds the span, which is the activation's first member. */
    if (activation != NULL)
        *activation = (struct open_activation){*span, 1, set->list, &set->list};
    if (activation == NULL || name == NULL ||
        tsearch(&activation->span, &set->tree, compare) == NULL) {
        free(activation);
        free(name);
        return -ENOMEM;
    }
    activation->span.name = name;
    if (activation->next != NULL)
        activation->next->back = &activation->next;
    set->list = activation;
    set->count++;
    set->changes++;
    return 0;
}

static int begin_or_end(struct open_set *set, const struct open_span *span, int begins)
{
    void *found = tfind(span, &set->tree, compare);
    struct open_activation *activation = found == NULL ? NULL : *(struct open_activation **)found;

    if (activation == NULL)
        return begins ? add_activation(set, span) : 0;
    if (begins)
        activation->open++;
    else if (--activation->open == 0)
        unlink_activation(set, activation);
    return 0;
}

int open_set_visit(void *context, const struct dat_record *record)
{
    struct open_set *set = context;
    struct open_span span = {NULL, record->moment, record->memory, record->level};
    int error;

    if (record->kind != DAT_BEGIN && record->kind != DAT_FUNC)
        return 0;
    /* Most calls end without ever having been announced. */
    if (record->kind == DAT_FUNC && set->list == NULL)
        return 0;
    span.name = dat_name_copy(record);
    if (span.name == NULL)
        return -ENOMEM;
    error = begin_or_end(set, &span, record->kind == DAT_BEGIN);
    free(span.name);
    return error;
}

int open_set_list(const struct open_set *set, struct open_spans *spans)
{
    *spans = (struct open_spans){calloc(set->count + 1, sizeof *spans->spans), 0};
    if (spans->spans == NULL)
        return -ENOMEM;
    for (const struct open_activation *at = set->list; at != NULL; at = at->next) {
        struct open_span *span = &spans->spans[spans->count];

        *span = at->span;
        span->name = strdup(at->span.name);
        if (span->name == NULL)
            return -ENOMEM;
        spans->count++;
    }
    qsort(spans->spans, spans->count, sizeof *spans->spans, latest_first);
    return 0;
}

void open_set_release(struct open_set *set)
{
    while (set->list != NULL)
        unlink_activation(set, set->list);
}

int open_spans_read(int fd, struct open_spans *spans)
{
    struct open_set set = {0};
    struct dat_counts counts;
    int error = dat_scan(fd, open_set_visit, &set, &counts), listed;

    /* After an error, too: what was read until then is so. */
    listed = open_set_list(&set, spans);
    open_set_release(&set);
    return error != 0 ? error : listed;
}

void open_spans_release(struct open_spans *spans)
{
    for (size_t i = 0; i < spans->count; i++)
        free(spans->spans[i].name);
    free(spans->spans);
    *spans = (struct open_spans){NULL, 0};
}
