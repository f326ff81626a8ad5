#include "mprof/terminal_out.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/clock.h"

#define LAST_NS INT64_C(1000000000)

static bool is_same(int left, int right)
{
    struct stat a, b;

    return fstat(left, &a) == 0 && fstat(right, &b) == 0 && a.st_rdev == b.st_rdev;
}

/* O_NONBLOCK on standard error itself would be the program's, too. */
void terminal_out_open(struct terminal_out *out)
{
    char name[256];
    int fd = -1;

    *out = (struct terminal_out){.fd = STDERR_FILENO};
    if (ttyname_r(STDERR_FILENO, name, sizeof name) == 0)
        fd = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && is_same(fd, STDERR_FILENO))
        out->fd = fd;
    else if (fd >= 0)
        close(fd);
}

static bool takes_text(const struct terminal_out *out, int milliseconds)
{
    struct pollfd polled = {out->fd, POLLOUT, 0};

    return poll(&polled, 1, milliseconds) == 1 && (polled.revents & POLLOUT) != 0;
}

static void hand_on(struct terminal_out *out)
{
    ssize_t count = write(out->fd, out->rest, out->length);

    if (count <= 0)
        return;
    out->length -= (size_t)count;
    memmove(out->rest, out->rest + count, out->length);
}

bool terminal_out_is_free(struct terminal_out *out)
{
    if (!takes_text(out, 0))
        return false;
    if (out->length > 0)
        hand_on(out);
    return out->length == 0;
}

void terminal_out_write(struct terminal_out *out, const char *text, size_t length)
{
    char *longer = realloc(out->rest, out->length + length);

    if (longer == NULL)
        return;
    memcpy(longer + out->length, text, length);
    out->rest = longer;
    out->length += length;
    if (takes_text(out, 0))
        hand_on(out);
}

void terminal_out_close(struct terminal_out *out)
{
    int64_t end_ns = clock_monotonic_ns() + LAST_NS;

    while (out->length > 0 && clock_monotonic_ns() < end_ns)
        if (takes_text(out, 50))
            hand_on(out);
    if (out->fd != STDERR_FILENO)
        close(out->fd);
    free(out->rest);
    *out = (struct terminal_out){.fd = STDERR_FILENO};
}
