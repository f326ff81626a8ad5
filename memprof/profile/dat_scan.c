#include "memprof/profile/dat_scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Large enough that the calls cost nothing, small enough for the cache. */
#define BUFFER_SIZE (1 << 17)

/* Of a moment; what has fewer may have been cut. */
#define MOMENT_DECIMALS 4

/* Whether a last line without its end can be trusted. */
static bool is_whole(const struct dat_record *record)
{
    /* CMDLINE has no number whose decimals could tell. */
    return record->kind == DAT_CMDLINE || record->last_decimals >= MOMENT_DECIMALS;
}

static int visit_line(struct dat_scanner *scan, char *line, size_t length, int ended)
{
    struct dat_record record;

    scan->line++;
    if (length == 0)
        return 0;
    scan->counts->lines++;
    dat_record_parse(line, length, &record);
    record.line = scan->line;
    if (record.kind == DAT_UNKNOWN) {
        scan->counts->unknown++;
    } else if (record.kind == DAT_BROKEN || (!ended && !is_whole(&record))) {
        scan->counts->broken++;
    } else {
        return scan->visit(scan->context, &record);
    }
    return 0;
}

/* The rest of a line that is too long was read up to its end. */
static void passed_over(struct dat_scanner *scan)
{
    scan->passing_over = 0;
    scan->line++;
    scan->counts->lines++;
    scan->counts->broken++;
}

/* Visits the whole lines in the buffer and keeps what follows them. `from`: no line ends before. */
static int visit_buffer(struct dat_scanner *scan, size_t from)
{
    char *line = scan->buffer, *end = line + scan->length, *newline;
    int error = 0;

    /* From `from` on: a long line that comes in pieces is not searched from its start each time. */
    newline = memchr(line + from, '\n', scan->length - from);
    for (; newline != NULL && error == 0; newline = memchr(line, '\n', (size_t)(end - line))) {
        if (scan->passing_over)
            passed_over(scan);
        else
            error = visit_line(scan, line, (size_t)(newline - line), 1);
        line = newline + 1;
    }
    if (scan->passing_over)
        line = end;
    scan->length = (size_t)(end - line);
    memmove(scan->buffer, line, scan->length);
    return error;
}

/* Room to read more; gives up a line that is too long. */
static int make_room(struct dat_scanner *scan)
{
    size_t capacity = scan->capacity == 0 ? BUFFER_SIZE : 2 * scan->capacity;
    char *buffer;

    if (scan->length < scan->capacity)
        return 0;
    /* The buffer is used again for the rest of the line, which visit_buffer() throws away. */
    if (scan->capacity >= DAT_LINE_LIMIT) {
        scan->passing_over = 1;
        scan->length = 0;
        return 0;
    }
    buffer = realloc(scan->buffer, capacity);
    if (buffer == NULL)
        return -ENOMEM;
    scan->buffer = buffer;
    scan->capacity = capacity;
    return 0;
}

static ssize_t read_some(int fd, char *to, size_t size)
{
    ssize_t count;

    do
        count = read(fd, to, size);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int dat_scanner_read(struct dat_scanner *scan, int fd)
{
    ssize_t count;
    int error;

    do {
        size_t before;

        error = make_room(scan);
        if (error != 0)
            return error;
        before = scan->length;
        count = read_some(fd, scan->buffer + before, scan->capacity - before);
        if (count < 0)
            return (int)count;
        scan->length += (size_t)count;
        error = visit_buffer(scan, before);
    } while (count > 0 && error == 0);
    return error;
}

int dat_scanner_end(struct dat_scanner *scan)
{
    if (scan->passing_over)
        passed_over(scan);
    else if (scan->length > 0)
        return visit_line(scan, scan->buffer, scan->length, 0);
    return 0;
}

void dat_scanner_init(struct dat_scanner *scan, dat_visit *visit, void *context,
                      struct dat_counts *counts)
{
    memset(counts, 0, sizeof *counts);
    *scan = (struct dat_scanner){.visit = visit, .context = context, .counts = counts};
}

void dat_scanner_release(struct dat_scanner *scan)
{
    free(scan->buffer);
    scan->buffer = NULL;
}

int dat_scan(int fd, dat_visit *visit, void *context, struct dat_counts *counts)
{
    struct dat_scanner scan;
    int error;

    dat_scanner_init(&scan, visit, context, counts);
    error = dat_scanner_read(&scan, fd);
    if (error == 0)
        error = dat_scanner_end(&scan);
    dat_scanner_release(&scan);
    return error;
}
