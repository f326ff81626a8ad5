#include "memprof/profile/peak_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/clock.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/machine/safe_open.h"

/*
 * A rise is worth a line from this share of the peak, and from these bytes: a peak that rises
 * slowly must not write a line for each reading.
 */
#define SHARE 1024
#define LEAST 65536

#define MOMENT_DECIMALS 4

int peak_note_init(struct peak_note *note, const char *path)
{
    *note = (struct peak_note){.pid = getpid()};
    if (path == NULL || *path == '\0')
        return 0;
    note->path = strdup(path);
    return note->path == NULL ? -ENOMEM : 0;
}

void peak_note_release(struct peak_note *note)
{
    free(note->path);
    note->path = NULL;
}

/* Only a file that is there: nothing is made by that name, and a pipe is somebody's output. */
static int open_file(const char *path)
{
    /* O_NONBLOCK: a pipe without a reader must not hold the program up. O_NOCTTY: a terminal
     * must not become its own. */
    int fd = safe_open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    struct stat info;

    if (fd < 0)
        return fd;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        return fd;
    close(fd);
    return -EINVAL;
}

static int write_peak(const struct peak_note *note, int64_t bytes)
{
    struct dat_writer writer = {.fd = open_file(note->path), .moment_decimals = MOMENT_DECIMALS};
    int error = writer.fd < 0 ? writer.fd : 0;

    if (error == 0)
        error = dat_writer_peak(&writer, note->pid, bytes, clock_wall_ns());
    if (error == 0)
        error = dat_writer_flush(&writer);
    dat_writer_release(&writer);
    return error;
}

void peak_note_tell(struct peak_note *note, int64_t bytes, int all)
{
    if (note->path == NULL)
        return;
    /* A forked child: `told` was about the parent. */
    if (note->pid != getpid()) {
        note->pid = getpid();
        note->told = 0;
    }
    if (bytes > note->told + (all ? 0 : note->told / SHARE + LEAST) && write_peak(note, bytes) == 0)
        note->told = bytes;
}
