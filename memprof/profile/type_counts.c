#include "memprof/profile/type_counts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"
#include "memprof/profile/dat_name.h"

static bool is_of(const struct type_count *type, const struct dat_record *record)
{
    return type->pid == record->pid && strlen(type->name) == record->length &&
           memcmp(type->name, record->text, record->length) == 0;
}

/* From where the last one was found: each recording names most of them in the same order. */
static struct type_count *find(struct type_counts *types, const struct dat_record *record)
{
    for (size_t i = 0; i < types->count; i++) {
        size_t at = (types->next + i) % types->count;

        if (is_of(&types->at[at], record)) {
            types->next = at + 1;
            return &types->at[at];
        }
    }
    return NULL;
}

/* Whether there was a census of this process before. */
static bool is_later(const struct type_counts *types, const struct dat_record *record)
{
    for (size_t i = 0; i < types->count; i++)
        if (types->at[i].pid == record->pid && types->at[i].first_moment < record->moment)
            return true;
    return false;
}

static int append(struct type_counts *types, const struct dat_record *record)
{
    struct type_count *at = grow_double(types->at, sizeof *at, types->count + 1, &types->capacity);
    char *name = at == NULL ? NULL : dat_name_copy(record);
    bool is_new;

    if (at != NULL)
        types->at = at;
    if (name == NULL)
        return -ENOMEM;
    is_new = is_later(types, record);
    at[types->count++] = (struct type_count){.pid = record->pid,
                                             .name = name,
                                             .objects = record->objects,
                                             .bytes = record->bytes,
                                             .first_objects = is_new ? 0 : record->objects,
                                             .first_bytes = is_new ? 0 : record->bytes,
                                             .first_moment = record->moment,
                                             .moment = record->moment};
    return 0;
}

int type_counts_add(struct type_counts *types, const struct dat_record *record)
{
    struct type_count *type = find(types, record);

    if (type == NULL && types->count < TYPE_COUNTS_MOST)
        return append(types, record);
    if (type == NULL) {
        types->passed++;
        return 0;
    }
    type->objects = record->objects;
    type->bytes = record->bytes;
    type->moment = record->moment;
    return 0;
}

double type_counts_moment(const struct type_counts *types, int64_t pid)
{
    double moment = 0;

    for (size_t i = 0; i < types->count; i++)
        if (types->at[i].pid == pid && types->at[i].moment > moment)
            moment = types->at[i].moment;
    return moment;
}

void type_counts_release(struct type_counts *types)
{
    for (size_t i = 0; i < types->count; i++)
        free(types->at[i].name);
    free(types->at);
    *types = (struct type_counts){0};
}
