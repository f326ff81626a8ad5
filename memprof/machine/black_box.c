#include "memprof/machine/black_box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/black_box_guard.h"
#include "memprof/machine/file_space.h"

#define FIRST_PART ((size_t)64 << 10)

#define MOST_BYTES ((size_t)1 << 30) /* of a record */

static size_t rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static void *address_of(const struct black_box_part *part)
{
    return (void *)(uintptr_t)part->address;
}

static struct black_box_header *header_of(const struct black_box *box)
{
    return address_of(&box->parts[0]);
}

/* Touched now: a part must not grow in the middle of a line that is measured. */
static void *map_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    memset(memory, 0, size);
    return memory;
}

/* ---- the file ---- */

/* How long the file is: all parts. */
static off_t file_size(const struct black_box *box)
{
    const struct black_box_part *last = &box->parts[box->n_parts - 1];

    return (off_t)(last->offset + last->size);
}

/* The file by its name, if it is still ours: no descriptor is kept, the program may close all. Says
 * whether it is shorter than it was; within a page that is in use there was no signal for that. */
static int open_again(struct black_box *box, bool *is_cut)
{
    int fd = open(box->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &info) == 0 && (uint64_t)info.st_dev == box->device &&
        info.st_ino == box->inode) {
        *is_cut = info.st_size < file_size(box);
        box->was_cut = box->was_cut || *is_cut;
        return fd;
    }
    close(fd);
    return -ESTALE;
}

static int map_file(int fd, const struct black_box_part *part)
{
    void *at = mmap(address_of(part), (size_t)part->size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_FIXED, fd, (off_t)part->offset);

    return at == MAP_FAILED ? -errno : 0;
}

/* A store to every page, so that none has to be made writable in the middle of a line. */
static void touch(const struct black_box_part *part)
{
    char *byte = address_of(part);

    for (size_t at = 0; at < part->size; at += 4096)
        __atomic_fetch_or(&byte[at], 0, __ATOMIC_RELAXED);
}

/* Makes a part that lies in memory, and is empty, one of the file. */
static int give_to_file(struct black_box *box, const struct black_box_part *part)
{
    bool is_cut = false;
    int fd = open_again(box, &is_cut), error = fd < 0 ? fd : 0;

    /* First: with the space it is as long as before, with nothing in it, and nobody told. */
    if (is_cut)
        error = black_box_mend(box, 0);
    if (error == 0)
        error = file_space_take(fd, (int64_t)(part->offset + part->size));
    if (error == 0)
        error = map_file(fd, part);
    if (fd >= 0)
        close(fd);
    return error;
}

/* ---- parts ---- */

/* Of the next part, for at least `size` bytes. */
static size_t part_size(const struct black_box *box, size_t size)
{
    size_t wanted = box->n_parts == 0 ? FIRST_PART : 2 * (size_t)box->parts[box->n_parts - 1].size;

    while (wanted < size)
        wanted *= 2;
    return wanted;
}

static int add_part(struct black_box *box, size_t size)
{
    const struct black_box_part *last = box->n_parts == 0 ? NULL : &box->parts[box->n_parts - 1];
    struct black_box_part part = {0};
    size_t wanted = part_size(box, size);
    void *memory;
    int error = 0;

    if (box->n_parts == BLACK_BOX_PARTS)
        return -ENOMEM;
    memory = map_memory(wanted);
    if (memory == NULL)
        return -ENOMEM;
    part.address = (uintptr_t)memory;
    part.size = wanted;
    part.offset = last == NULL ? 0 : last->offset + last->size;
    if (box->path != NULL)
        error = give_to_file(box, &part);
    if (error != 0) {
        munmap(memory, wanted);
        return error;
    }
    /* In this order: a fork in another thread copies what is used of the last part, at least. */
    box->parts[box->n_parts] = part;
    box->n_parts++;
    box->used = 0;
    if (box->path != NULL)
        touch(&part); /* as part of the box, which is guarded */
    return 0;
}

static void tell_header(const struct black_box *box)
{
    struct black_box_header *header = header_of(box);

    memcpy(header->parts, box->parts, sizeof header->parts);
    header->n_parts = (uint64_t)box->n_parts;
}

int black_box_init(struct black_box *box)
{
    int error;

    memset(box, 0, sizeof *box);
    error = add_part(box, sizeof(struct black_box_header));
    if (error != 0)
        return error;
    box->used = rounded(sizeof(struct black_box_header));
    header_of(box)->pid = getpid();
    memcpy(header_of(box)->magic, BLACK_BOX_MAGIC, sizeof header_of(box)->magic);
    tell_header(box);
    return 0;
}

void black_box_remove_file(struct black_box *box)
{
    bool is_cut;
    int fd;

    if (box->path == NULL)
        return;
    fd = open_again(box, &is_cut);
    if (fd >= 0) {
        close(fd);
        unlink(box->path);
    }
    free(box->path);
    box->path = NULL;
}

void black_box_release(struct black_box *box)
{
    black_box_unguard(box);
    black_box_remove_file(box);
    while (box->n_parts > 0) {
        box->n_parts--;
        munmap(address_of(&box->parts[box->n_parts]), (size_t)box->parts[box->n_parts].size);
    }
}

/* ---- records ---- */

static size_t record_size(size_t size)
{
    return sizeof(struct black_box_record) + rounded(size);
}

size_t black_box_next_part(const struct black_box *box, size_t size)
{
    const struct black_box_part *last = &box->parts[box->n_parts - 1];

    return record_size(size) <= last->size - box->used ? 0 : part_size(box, record_size(size));
}

void black_box_grow(struct black_box *box, size_t size)
{
    int error = add_part(box, record_size(size));

    if (error != 0)
        box->last_error = error;
    else
        tell_header(box);
}

void black_box_tell_lacks(struct black_box *box)
{
    struct black_box_header *header = header_of(box);

    header->n_missing = (uint64_t)box->n_missing;
    header->last_error = box->last_error;
    header->was_cut = box->was_cut != 0;
}

void *black_box_reserve(struct black_box *box, size_t size)
{
    struct black_box_record *record;

    if (size <= MOST_BYTES && black_box_next_part(box, size) != 0)
        black_box_grow(box, size);
    if (size > MOST_BYTES || black_box_next_part(box, size) != 0) {
        box->n_missing++;
        black_box_tell_lacks(box);
        return NULL;
    }
    record =
        (struct black_box_record *)((char *)address_of(&box->parts[box->n_parts - 1]) + box->used);
    box->used += record_size(size);
    record->size = size;
    return record + 1;
}

void black_box_publish(void *record, uint64_t kind)
{
    /* Whoever reads after a crash finds the bytes before the kind that stands for them. */
    __atomic_store_n(&((struct black_box_record *)record - 1)->kind, kind, __ATOMIC_RELEASE);
}

int black_box_holds(const struct black_box *box, const void *address)
{
    for (int i = 0; i < box->n_parts; i++)
        if ((uintptr_t)address - box->parts[i].address < box->parts[i].size)
            return 1;
    return 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int black_box_write(const struct black_box *box, int fd)
{
    int error = 0;

    for (int i = 0; error == 0 && i < box->n_parts; i++)
        error = write_all(fd, address_of(&box->parts[i]), (size_t)box->parts[i].size);
    return error;
}

/* ---- from memory to a file ---- */

/* Space first, then what is there. */
static int fill_file(struct black_box *box, int fd)
{
    struct stat info;
    int error = file_space_take(fd, file_size(box));

    if (error == 0)
        error = black_box_write(box, fd);
    if (error == 0 && fstat(fd, &info) != 0)
        error = -errno;
    if (error != 0)
        return error;
    box->device = (uint64_t)info.st_dev;
    box->inode = info.st_ino;
    return 0;
}

/* Mappings over the memory that was written to the file. */
static int map_parts(struct black_box *box, int fd)
{
    int error = black_box_guard(box);

    for (int i = 0; error == 0 && i < box->n_parts; i++) {
        error = map_file(fd, &box->parts[i]);
        if (error == 0)
            touch(&box->parts[i]);
    }
    if (error != 0)
        black_box_unguard(box);
    return error;
}

int black_box_move(struct black_box *box, const char *path)
{
    int fd, error;

    if (box->path != NULL)
        return -EBUSY;
    box->path = strdup(path);
    if (box->path == NULL)
        return -ENOMEM;
    header_of(box)->pid = getpid();
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    error = fd < 0 ? -errno : fill_file(box, fd);
    if (error == 0)
        error = map_parts(box, fd);
    if (fd >= 0)
        close(fd);
    if (error != 0) {
        if (fd >= 0)
            unlink(path);
        free(box->path);
        box->path = NULL;
    }
    return error;
}
