#include "mprof/picture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/safe_open.h"
#include "mprof/open_limit.h"

/* The trailer stands among the last bytes: PDF and SVG may end their last line. */
#define TAIL_SIZE 64

static void hold_signals(sigset_t *before)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGQUIT);
    sigprocmask(SIG_BLOCK, &held, before);
}

/* The mode that open() would have given a new file, or that of the old one. */
static mode_t mode_of(const struct stat *old)
{
    mode_t mask;

    if (old != NULL)
        return old->st_mode & 0777;
    /* The mask can only be read by setting it. */
    mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int open_beside(struct picture_file *file, const struct stat *old)
{
    static const char suffix[] = ".XXXXXX";
    size_t size = strlen(file->target) + sizeof suffix;

    file->temporary = malloc(size);
    if (file->temporary == NULL)
        return -ENOMEM;
    /* In the same folder: rename() does not go from one file system to another. */
    snprintf(file->temporary, size, "%s%s", file->target, suffix);
    file->fd = mkostemp(file->temporary, O_CLOEXEC);
    if (file->fd < 0) {
        int error = errno;

        free(file->temporary);
        file->temporary = NULL;
        return -error;
    }
    fchmod(file->fd, mode_of(old));
    return 0;
}

/* A pipe, a device. */
static int open_other(struct picture_file *file, const char *target)
{
    struct open_limit limit;

    open_limit_begin(&limit);
    file->fd = safe_open(target, O_WRONLY | O_CLOEXEC, 0);
    open_limit_end(&limit);
    return file->fd < 0 ? file->fd : 0;
}

int picture_file_open(struct picture_file *file, const char *target)
{
    struct stat info;
    int exists = stat(target, &info) == 0, is_link = safe_open_is_link(target);
    int error = is_link < 0 ? is_link : 0;
    /* What a link points to is replaced, not the link. */
    char *resolved = is_link == 1 ? realpath(target, NULL) : NULL;

    memset(file, 0, sizeof *file);
    file->fd = -1;
    signal(SIGXFSZ, SIG_IGN); /* a file that must not grow is an error like a full disk */
    hold_signals(&file->mask);
    file->target = resolved != NULL ? resolved : strdup(target);
    if (file->target == NULL)
        error = -ENOMEM;
    else if (error == 0 && exists && S_ISDIR(info.st_mode))
        error = -EISDIR;
    /* rename() would replace a file that is read-only. */
    else if (error == 0 && exists && access(target, W_OK) != 0)
        error = -errno;
    else if (error == 0 && (!exists || S_ISREG(info.st_mode)))
        error = open_beside(file, exists ? &info : NULL);
    else if (error == 0)
        error = open_other(file, target);
    if (error != 0) {
        free(file->target);
        sigprocmask(SIG_SETMASK, &file->mask, NULL);
    }
    return error;
}

int picture_file_write(const struct picture_file *file, picture_put *put, const void *context)
{
    /* fclose() closes its descriptor, and the file is still looked at after that. */
    int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 0), error;
    FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

    if (out == NULL)
        return -errno;
    errno = 0;
    error = put(out, context);
    if (error == -EIO && errno != 0)
        error = -errno; /* what the stream met */
    if (fclose(out) != 0 && error == 0)
        error = -errno;
    return error;
}

static bool has_trailer(int fd, const char *trailer)
{
    char tail[TAIL_SIZE];
    off_t size = lseek(fd, 0, SEEK_END);
    size_t length = strlen(trailer);
    ssize_t count;

    if (size < 0)
        return 0;
    count = pread(fd, tail, sizeof tail, size > TAIL_SIZE ? size - TAIL_SIZE : 0);
    for (ssize_t at = 0; at + (ssize_t)length <= count; at++)
        if (memcmp(tail + at, trailer, length) == 0)
            return 1;
    return 0;
}

static int finish(struct picture_file *file, const char *trailer)
{
    if (file->temporary == NULL)
        return close(file->fd) != 0 ? -errno : 0;
    if (trailer != NULL && !has_trailer(file->fd, trailer))
        return -EBADMSG;
    /*
     * Before the rename: some file systems tell only now that the disk is full, and the old picture
     * is still there.
     */
    if (!file->is_passing && fsync(file->fd) != 0)
        return -errno;
    return rename(file->temporary, file->target) != 0 ? -errno : 0;
}

int picture_file_close(struct picture_file *file, int written, const char *trailer)
{
    int error = written != 0 ? written : finish(file, trailer);

    if (file->temporary != NULL) {
        if (error != 0)
            unlink(file->temporary);
        close(file->fd);
    }
    free(file->temporary);
    free(file->target);
    sigprocmask(SIG_SETMASK, &file->mask, NULL);
    return error;
}
