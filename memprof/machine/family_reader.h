/*
 * The memory of all descendants of a process, read now. Bytes; functions return 0 or -errno as
 * mem_reader.h does. A child that ends while it is read counts as nothing; all others still count.
 */
#ifndef MEMPROF_FAMILY_READER_H
#define MEMPROF_FAMILY_READER_H

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/process_tree.h"

struct family_member {
    struct process_id id;
    int64_t bytes; /* what it held at the last reading */
};

struct family_reader {
    pid_t root; /* 0: this process, whoever that is after a fork */
    enum mem_backend backend;
    struct process_tree tree;
    struct family_member *members; /* owned: descendants that were alive at the last reading */
    size_t count, capacity;
};

/*
 * `root` 0 means this process, and follows it through fork: then nothing is looked at, and nothing
 * can fail, before the first reading.
 */
int family_reader_init(struct family_reader *reader, pid_t root, enum mem_backend backend);
void family_reader_release(struct family_reader *reader);

/* Looks for descendants and reads each; *sum is what they hold together. */
int family_reader_read(struct family_reader *reader, int64_t *sum);

#endif
