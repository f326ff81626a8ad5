#include "memprof/machine/smaps_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MOST_KILOBYTES (INT64_MAX / 1024)

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Memory that has a name as if it were a file, and none on a disk. */
static bool is_shared(const char *name)
{
    static const char *const starts[] = {"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/",
                                         "[anon_shmem"};

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (starts_with(name, starts[i]))
            return true;
    }
    return false;
}

static bool is_heap(const char *name)
{
    return *name == '\0' || starts_with(name, "[heap]") || starts_with(name, "[anon:");
}

static bool has_stack(const struct smaps_reader *reader, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < reader->n_stacks; i++) {
        if (reader->stacks[i] >= start && reader->stacks[i] < end)
            return true;
    }
    return false;
}

static enum smaps_kind kind_of(const struct smaps_reader *reader, uint64_t start, uint64_t end,
                               const char *name)
{
    if (is_shared(name))
        return SMAPS_SHARED;
    if (starts_with(name, "[stack") || has_stack(reader, start, end))
        return SMAPS_STACK;
    return is_heap(name) ? SMAPS_HEAP : SMAPS_FILE;
}

static void grow(int64_t *sum, int64_t bytes)
{
    if (__builtin_add_overflow(*sum, bytes, sum))
        *sum = INT64_MAX;
}

/* "START-END rwxp OFFSET DEVICE INODE   NAME". */
static void begin_mapping(struct smaps_reader *reader, const char *line)
{
    char rights[5];
    uint64_t start, end;
    int at_name = 0;

    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &start, &end, rights, &at_name) <
            3 ||
        at_name == 0 || end <= start)
        return;
    reader->kind = kind_of(reader, start, end, line + at_name);
    if (reader->kind == SMAPS_HEAP && rights[1] == 'w')
        grow(&reader->parts->heap_size,
             end - start > INT64_MAX ? INT64_MAX : (int64_t)(end - start));
}

static void add_resident(struct smaps_reader *reader, int64_t bytes)
{
    struct resident_parts *parts = reader->parts;
    int64_t *const part[] = {[SMAPS_FILE] = &parts->files,
                             [SMAPS_SHARED] = &parts->shared,
                             [SMAPS_STACK] = &parts->stacks,
                             [SMAPS_HEAP] = &parts->heap};

    grow(&parts->rss, bytes);
    grow(part[reader->kind], bytes);
}

/* Bytes of a line "KEY:   NUMBER kB"; -1: it is another, or absurd. */
static int64_t bytes_of(const char *line, const char *key)
{
    size_t length = strlen(key);
    int64_t kilobytes;

    if (strncmp(line, key, length) != 0 || sscanf(line + length, "%" SCNd64 " kB", &kilobytes) != 1)
        return -1;
    return kilobytes < 0 || kilobytes > MOST_KILOBYTES ? -1 : kilobytes * 1024;
}

void smaps_begin(struct smaps_reader *reader, const uint64_t *stacks, size_t n_stacks,
                 struct resident_parts *parts)
{
    *parts = (struct resident_parts){0};
    *reader = (struct smaps_reader){.parts = parts, .stacks = stacks, .n_stacks = n_stacks};
}

void smaps_line(struct smaps_reader *reader, const char *line)
{
    int64_t bytes;

    /* The names of numbers begin with a large letter, addresses do not. */
    if (*line < 'A' || *line > 'Z')
        begin_mapping(reader, line);
    else if ((bytes = bytes_of(line, "Rss:")) >= 0)
        add_resident(reader, bytes);
    else if ((bytes = bytes_of(line, "Swap:")) >= 0)
        grow(&reader->parts->swap, bytes);
}
