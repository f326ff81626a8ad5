/* What a black box is made of: in memory, and in its file. */
#ifndef MEMPROF_BLACK_BOX_PARTS_H
#define MEMPROF_BLACK_BOX_PARTS_H

#include <stddef.h>
#include <stdint.h>

/* Each part is twice as large as the one before, so there are never many. */
#define BLACK_BOX_PARTS 32

/* ---- what stands in the file: all in the order of bytes of the machine ---- */

#define BLACK_BOX_MAGIC "memprof\2"

/* A part of the file, and where it is, or was, in the memory of the process. */
struct black_box_part {
    uint64_t address, offset, size;
};

/* The file begins with it. */
struct black_box_header {
    char magic[8];
    int64_t pid;
    uint64_t n_missing; /* records for which there was no room */
    int32_t last_error; /* why, as -errno */
    uint32_t was_cut;   /* somebody cut the file short: what was in it before is lost */
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
    /* Some of what was in it is gone, and zero: called where a signal handler may be. */
    void (*lost)(void *context);
    void *context;
    int was_cut; /* somebody cut the file short: what was in it is not what was written */
};

#endif
