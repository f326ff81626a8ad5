#include "memprof/machine/family_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The family is that of `pid`: after a fork it is another one. */
static int look_at(struct family_reader *reader, pid_t pid)
{
    if (reader->tree.root.pid == pid)
        return 0;
    family_reader_release(reader);
    return process_tree_init(&reader->tree, pid, 0, NULL);
}

int family_reader_init(struct family_reader *reader, pid_t root, enum mem_backend backend)
{
    memset(reader, 0, sizeof *reader);
    reader->root = root;
    reader->backend = backend;
    return root == 0 ? 0 : look_at(reader, root);
}

void family_reader_release(struct family_reader *reader)
{
    process_tree_release(&reader->tree);
    free(reader->members);
    free(reader->bytes);
    reader->members = NULL;
    reader->bytes = NULL;
    reader->count = reader->capacity = 0;
}

static int make_room(struct family_reader *reader, size_t wanted)
{
    size_t capacity = 2 * wanted;
    struct process_id *members;
    int64_t *bytes;

    if (wanted <= reader->capacity)
        return 0;
    members = realloc(reader->members, capacity * sizeof *members);
    if (members == NULL)
        return -ENOMEM;
    reader->members = members;
    bytes = realloc(reader->bytes, capacity * sizeof *bytes);
    if (bytes == NULL)
        return -ENOMEM;
    reader->bytes = bytes;
    reader->capacity = capacity;
    return 0;
}

static int read_once(pid_t pid, enum mem_backend backend, int64_t *bytes)
{
    struct mem_reader reader;
    int error = mem_reader_init(&reader, pid, backend);

    if (error == 0)
        error = mem_reader_read(&reader, bytes);
    mem_reader_release(&reader);
    return error;
}

/* Reads every member; those that have ended are dropped, one that is refused is an error. */
static int read_members(struct family_reader *reader, int64_t *sum)
{
    size_t kept = 0;
    int refused = 0;

    *sum = 0;
    for (size_t i = 0; i < reader->count; i++) {
        int64_t bytes = 0;
        int error = read_once(reader->members[i].pid, reader->backend, &bytes);

        if (error == -ESRCH)
            continue;
        if (error != 0)
            refused = error;
        reader->members[kept] = reader->members[i];
        reader->bytes[kept++] = bytes;
        *sum += bytes;
    }
    reader->count = kept;
    return refused;
}

int family_reader_read(struct family_reader *reader, int64_t *sum)
{
    size_t added;
    int error = look_at(reader, reader->root != 0 ? reader->root : getpid());

    if (error == 0)
        error = process_tree_scan(&reader->tree);
    if (error != 0)
        return error;
    added = reader->tree.added_count;
    error = make_room(reader, reader->count + added);
    if (error != 0)
        return error;
    if (added > 0)
        memcpy(&reader->members[reader->count], reader->tree.added,
               added * sizeof *reader->members);
    reader->count += added;
    return read_members(reader, sum);
}
