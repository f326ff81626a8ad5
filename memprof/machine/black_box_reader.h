/* A black box when it is read: nothing in it is trusted. Functions return 0 or -errno. */
#ifndef MEMPROF_BLACK_BOX_READER_H
#define MEMPROF_BLACK_BOX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/black_box_parts.h"

/* Whether the process that wrote this file still does: 1, 0, or -errno; -EINVAL: no black box. */
int black_box_is_held(const char *path);

/* The record at *at, which begins as 0; NULL behind the last one. */
struct black_box_cursor {
    const unsigned char *bytes;
    size_t size;
    struct black_box_header header; /* checked */
    uint64_t part, at;
};

/* -EINVAL: the bytes are no black box. They are borrowed. */
int black_box_read(struct black_box_cursor *cursor, const void *bytes, size_t size);

/* Whether the bytes end before the box does: somebody cut its file short. */
bool black_box_is_short(const struct black_box_cursor *cursor);

/* The bytes of the next record, aligned like `bytes` are; NULL behind the last. */
const void *black_box_next(struct black_box_cursor *cursor, struct black_box_record *record);

/* Where in the bytes an address of the dead process is: `size` bytes, or NULL. */
const void *black_box_find(const struct black_box_cursor *cursor, uint64_t address, size_t size);

#endif
