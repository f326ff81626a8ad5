#include "memprof/machine/black_box_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/process.h"

/* Parts follow each other, and none is too small to begin a record or misaligned. A file that was
 * cut short ends somewhere in them. */
static int parts_are_sane(const struct black_box_header *header)
{
    uint64_t offset = 0;

    if (header->n_parts == 0 || header->n_parts > BLACK_BOX_PARTS)
        return 0;
    for (uint64_t i = 0; i < header->n_parts; i++) {
        const struct black_box_part *part = &header->parts[i];

        if (part->offset != offset || part->size % 8 != 0 || part->address % 8 != 0 ||
            part->size < sizeof(struct black_box_header) || part->size > UINT64_MAX / 2 - offset ||
            part->address > UINT64_MAX - part->size)
            return 0;
        offset += part->size;
    }
    return 1;
}

int black_box_read(struct black_box_cursor *cursor, const void *bytes, size_t size)
{
    if (size < sizeof cursor->header)
        return -EINVAL;
    memset(cursor, 0, sizeof *cursor);
    cursor->bytes = bytes;
    cursor->size = size;
    memcpy(&cursor->header, bytes, sizeof cursor->header);
    if (memcmp(cursor->header.magic, BLACK_BOX_MAGIC, sizeof cursor->header.magic) != 0 ||
        !parts_are_sane(&cursor->header))
        return -EINVAL;
    cursor->at = (sizeof cursor->header + 7) & ~(size_t)7;
    return 0;
}

bool black_box_is_short(const struct black_box_cursor *cursor)
{
    const struct black_box_part *last = &cursor->header.parts[cursor->header.n_parts - 1];

    return cursor->size < last->offset + last->size;
}

/* Where the part ends, in the bytes that are there. */
static uint64_t end_of(const struct black_box_cursor *cursor, const struct black_box_part *part)
{
    uint64_t end = part->offset + part->size;

    return end < cursor->size ? end : cursor->size;
}

const void *black_box_next(struct black_box_cursor *cursor, struct black_box_record *record)
{
    for (; cursor->part < cursor->header.n_parts; cursor->part++) {
        const struct black_box_part *part = &cursor->header.parts[cursor->part];
        uint64_t end = end_of(cursor, part), at;

        if (cursor->at < part->offset)
            cursor->at = part->offset;
        at = cursor->at;
        if (at > end || end - at < sizeof *record)
            continue;
        memcpy(record, cursor->bytes + at, sizeof *record);
        at += sizeof *record;
        if (record->kind == 0 || record->size > end - at)
            continue;
        cursor->at = at + ((record->size + 7) & ~(uint64_t)7);
        return cursor->bytes + at;
    }
    return NULL;
}

const void *black_box_find(const struct black_box_cursor *cursor, uint64_t address, size_t size)
{
    for (uint64_t i = 0; i < cursor->header.n_parts; i++) {
        const struct black_box_part *part = &cursor->header.parts[i];
        uint64_t at = part->offset + (address - part->address);

        if (address >= part->address && address - part->address < part->size)
            return at <= end_of(cursor, part) && size <= end_of(cursor, part) - at
                       ? cursor->bytes + at
                       : NULL;
    }
    return NULL;
}

/* The header says who wrote it; whether that process still does, its mappings say. */
static int holder(int fd, const char *path)
{
    struct black_box_header header;
    struct black_box_cursor cursor;
    struct stat info;
    const char *slash = strrchr(path, '/');

    if (fstat(fd, &info) != 0)
        return -errno;
    if (!S_ISREG(info.st_mode) || read(fd, &header, sizeof header) != (ssize_t)sizeof header ||
        black_box_read(&cursor, &header, sizeof header) != 0 || header.pid <= 0 ||
        header.pid > INT32_MAX)
        return -EINVAL;
    return process_has_mapped((pid_t)header.pid, info.st_ino, slash == NULL ? path : slash + 1);
}

int black_box_is_held(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), held;

    if (fd < 0)
        return -errno;
    held = holder(fd, path);
    close(fd);
    return held;
}
