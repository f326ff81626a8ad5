/*
 * A black box: records in memory that a crash leaves behind. It begins as memory of the process
 * alone; moved to a file it is a mapping of that file, which the kernel keeps whatever becomes of
 * the process. Records never move and are never given back.
 *
 * Space of the file is taken before it is mapped: a store to a mapping for which there is no space
 * ends the process. A file that somebody cuts short would do the same: what is missing becomes
 * memory, empty, and `lost` is told.
 *
 * A forked child has a copy in memory alone, as it was when it was forked; only the first process
 * has the file. One box in a process can have a file.
 *
 * Sizes are in bytes. Functions that return int return 0 or -errno.
 */
#ifndef MEMPROF_BLACK_BOX_H
#define MEMPROF_BLACK_BOX_H

#include <stddef.h>
#include <stdint.h>

/* Each part is twice as large as the one before, so there are never many. */
#define BLACK_BOX_PARTS 32

/* ---- what stands in the file: all in the order of bytes of the machine ---- */

#define BLACK_BOX_MAGIC "memprof\1"

/* A part of the file, and where it is, or was, in the memory of the process. */
struct black_box_part {
    uint64_t address, offset, size;
};

/* The file begins with it. */
struct black_box_header {
    char magic[8];
    int64_t pid;
    uint64_t n_parts;
    struct black_box_part parts[BLACK_BOX_PARTS];
};

/* What comes before each record's bytes, which follow each other at multiples of 8. In each part
 * the records end where kind is 0, or with the part. */
struct black_box_record {
    uint64_t kind;
    uint64_t size; /* of the bytes that follow, before they are rounded up */
};

/* ---- while it is written ---- */

struct black_box {
    int n_parts;
    struct black_box_part parts[BLACK_BOX_PARTS]; /* the header's may be lost */
    size_t used;                                  /* of the last part */
    char *path;                                   /* owned; NULL: memory alone */
    uint64_t device, inode;
    int64_t n_missing; /* records for which there was no room */
    int last_error;    /* why, as -errno */
    /* What was in [begin, begin + size) is gone: called where a signal handler may be. */
    void (*lost)(void *context, const void *begin, size_t size);
    void *context;
    int was_cut; /* somebody cut the file short: what was in it is not what was written */
};

int black_box_init(struct black_box *box);

/* Removes its file, if this process has it; records go on to be added, in memory. */
void black_box_remove_file(struct black_box *box);

/* Lets go of it all, and of the file. */
void black_box_release(struct black_box *box);

/*
 * How large a part black_box_grow() would add for a record, 0: there is room. It may be called
 * before black_box_reserve(), which does so too.
 */
size_t black_box_next_part(const struct black_box *box, size_t size);
void black_box_grow(struct black_box *box, size_t size);

/*
 * Zeroed memory for a record, all of it touched; NULL where there is no room. It is part of the box
 * when black_box_publish() gives it a kind, which is not 0. One at a time.
 */
void *black_box_reserve(struct black_box *box, size_t size);
void black_box_publish(void *record, uint64_t kind);

/* Whether an address lies in the box. */
int black_box_holds(const struct black_box *box, const void *address);

/*
 * From now on the box is the file of this name, which must not be there: -EEXIST. -EOPNOTSUPP: the
 * file system cannot promise space. Where it fails the box is as before.
 */
int black_box_move(struct black_box *box, const char *path);

/* Writes all that the file holds, or would hold. May be called by a signal handler. */
int black_box_write(const struct black_box *box, int fd);

/* Whether the process that wrote this file still does: 1, 0, or -errno; -EINVAL: no black box. */
int black_box_is_held(const char *path);

/* ---- when it is read: nothing in it is trusted ---- */

/* The record at *at, which begins as 0; NULL behind the last one. */
struct black_box_cursor {
    const unsigned char *bytes;
    size_t size;
    struct black_box_header header; /* checked */
    uint64_t part, at;
};

/* -EINVAL: the bytes are no black box. They are borrowed. */
int black_box_read(struct black_box_cursor *cursor, const void *bytes, size_t size);

/* The bytes of the next record, aligned like `bytes` are; NULL behind the last. */
const void *black_box_next(struct black_box_cursor *cursor, struct black_box_record *record);

/* Where in the bytes an address of the dead process is: `size` bytes, or NULL. */
const void *black_box_find(const struct black_box_cursor *cursor, uint64_t address, size_t size);

#endif
