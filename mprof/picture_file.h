/*
 * A file that appears whole or not at all: it is written beside its target under another name,
 * looked at, brought to disk and renamed. Functions return 0 or -errno and print nothing. Each open
 * that returned 0 needs one close, also where nothing could be written.
 */
#ifndef MPROF_PICTURE_FILE_H
#define MPROF_PICTURE_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct picture_file {
    char *target, *temporary; /* owned; temporary NULL: no regular file, written directly */
    int fd;
    bool is_passing; /* the caller's: it is replaced in a moment, and not brought to disk */
    sigset_t mask;   /* before signals that would leave the temporary file behind were held back */
};

int picture_file_open(struct picture_file *file, const char *target);

/* Writes by `put`, which gets `context`; the descriptor stays open. */
typedef int picture_put(FILE *out, const void *context);
int picture_file_write(const struct picture_file *file, picture_put *put, const void *context);

/*
 * Closes the file and gives it its name, when `written` is 0 and it ends with `trailer` (NULL: any
 * end will do); else removes it. -EBADMSG: the trailer is missing. Signals that came meanwhile act
 * now.
 */
int picture_file_close(struct picture_file *file, int written, const char *trailer);

#endif
