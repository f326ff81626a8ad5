#include "memprof/machine/family_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memprof/machine/grow.h"

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
    reader->members = NULL;
    reader->count = reader->capacity = 0;
}

static int add(struct family_reader *reader, struct process_id id)
{
    struct family_member *members =
        grow_double(reader->members, sizeof *members, reader->count + 1, &reader->capacity);

    if (members == NULL)
        return -ENOMEM;
    reader->members = members;
    members[reader->count++] = (struct family_member){.id = id};
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
        struct family_member member = {.id = reader->members[i].id};
        int error = read_once(member.id.pid, reader->backend, &member.bytes);

        if (error == -ESRCH)
            continue;
        if (error != 0)
            refused = error;
        reader->members[kept++] = member;
        *sum += member.bytes;
    }
    reader->count = kept;
    return refused;
}

int family_reader_read(struct family_reader *reader, int64_t *sum)
{
    int error = look_at(reader, reader->root != 0 ? reader->root : getpid());

    if (error == 0)
        error = process_tree_scan(&reader->tree);
    /* A scan lists a descendant once, when it is new. `members` keeps it until it ends. */
    for (size_t i = 0; error == 0 && i < reader->tree.n_added; i++)
        error = add(reader, reader->tree.added[i]);
    return error != 0 ? error : read_members(reader, sum);
}
