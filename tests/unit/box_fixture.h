/* Files of black boxes for tests: each test has a folder of its own. */
#ifndef TESTS_BOX_FIXTURE_H
#define TESTS_BOX_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "memprof/machine/black_box.h"
#include "memprof/machine/black_box_reader.h"

static char folder[64], path[96];

static inline int set_up_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/memprof-box-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/box.live", folder);
    return 0;
}

static inline int tear_down_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static inline int is_there(const char *name)
{
    return access(name, F_OK) == 0;
}

/* Moves a box to a file; skips the test where the file system cannot promise space. */
static inline void move_box(struct black_box *box)
{
    int error = black_box_move(box, path);

    if (error == -EOPNOTSUPP) {
        print_message("skipped: the file system of /tmp cannot promise space\n");
        black_box_release(box);
        skip();
    }
    assert_int_equal(error, 0);
}

/* All that a file holds, at a multiple of 8; the caller frees it. */
static inline unsigned char *content_of(const char *name, size_t *size)
{
    int fd = open(name, O_RDONLY);
    struct stat info;
    unsigned char *bytes;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    bytes = malloc((size_t)info.st_size + 1);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t)info.st_size), info.st_size);
    close(fd);
    *size = (size_t)info.st_size;
    return bytes;
}

/* The exit status of a child, or the signal that ended it as a negative number. */
static inline int end_of_child(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
