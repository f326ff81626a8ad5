#include "memprof/profile/open_spans.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/profile/dat_reader.h"

/* Calls of the same name and moment: of several threads or processes. */
struct activation {
    struct open_span span;
    size_t open;
    struct activation *next,
        **back; /* of the list, which is how all of them are found at the end */
};

struct reading {
    void *tree;
    struct activation *list;
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

static char *copy_name(const struct dat_record *record)
{
    char *name = malloc(record->length + 1);

    if (name == NULL)
        return NULL;
    for (size_t i = 0; i < record->length; i++) {
        name[i] = record->text[i];
        if (name[i] == '\0')
            name[i] = ' ';
    }
    name[record->length] = '\0';
    return name;
}

static void unlink_activation(struct reading *reading, struct activation *activation)
{
    tdelete(&activation->span, &reading->tree, compare);
    *activation->back = activation->next;
    if (activation->next != NULL)
        activation->next->back = activation->back;
    free(activation->span.name);
    free(activation);
}

static int add_activation(struct reading *reading, const struct open_span *span)
{
    struct activation *activation = malloc(sizeof *activation);
    char *name = strdup(span->name);

    /* The tree holds the span, which is the activation's first member. */
    if (activation != NULL)
        *activation = (struct activation){*span, 1, reading->list, &reading->list};
    if (activation == NULL || name == NULL ||
        tsearch(&activation->span, &reading->tree, compare) == NULL) {
        free(activation);
        free(name);
        return -ENOMEM;
    }
    activation->span.name = name;
    if (activation->next != NULL)
        activation->next->back = &activation->next;
    reading->list = activation;
    return 0;
}

static int begin_or_end(struct reading *reading, const struct open_span *span, int begins)
{
    void *found = tfind(span, &reading->tree, compare);
    struct activation *activation = found == NULL ? NULL : *(struct activation **)found;

    if (activation == NULL)
        return begins ? add_activation(reading, span) : 0;
    if (begins)
        activation->open++;
    else if (--activation->open == 0)
        unlink_activation(reading, activation);
    return 0;
}

static int visit(void *context, const struct dat_record *record)
{
    struct reading *reading = context;
    struct open_span span = {NULL, record->moment, record->level};
    int error;

    if (record->kind != DAT_BEGIN && record->kind != DAT_FUNC)
        return 0;
    /* Most calls end without ever having been announced. */
    if (record->kind == DAT_FUNC && reading->list == NULL)
        return 0;
    span.name = copy_name(record);
    if (span.name == NULL)
        return -ENOMEM;
    error = begin_or_end(reading, &span, record->kind == DAT_BEGIN);
    free(span.name);
    return error;
}

static size_t count_activations(const struct reading *reading)
{
    size_t count = 0;

    for (const struct activation *activation = reading->list; activation != NULL;
         activation = activation->next)
        count++;
    return count;
}

/* Moves the spans into an array; without memory for it they are only freed. */
static int take_spans(struct reading *reading, struct open_spans *spans)
{
    size_t count = count_activations(reading);

    spans->spans = calloc(count + 1, sizeof *spans->spans);
    while (reading->list != NULL) {
        struct activation *activation = reading->list;
        struct open_span span = activation->span;

        if (spans->spans != NULL && (span.name = strdup(span.name)) != NULL)
            spans->spans[spans->count++] = span;
        unlink_activation(reading, activation);
    }
    if (spans->spans != NULL && spans->count > 1)
        qsort(spans->spans, spans->count, sizeof *spans->spans, latest_first);
    return spans->count == count ? 0 : -ENOMEM;
}

int open_spans_read(int fd, struct open_spans *spans)
{
    struct reading reading = {NULL, NULL};
    struct dat_counts counts;
    int error, taken;

    *spans = (struct open_spans){NULL, 0};
    error = dat_scan(fd, visit, &reading, &counts);
    taken = take_spans(&reading, spans);
    return error != 0 ? error : taken;
}

void open_spans_release(struct open_spans *spans)
{
    for (size_t i = 0; i < spans->count; i++)
        free(spans->spans[i].name);
    free(spans->spans);
    *spans = (struct open_spans){NULL, 0};
}
