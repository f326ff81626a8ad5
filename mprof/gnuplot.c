#include "mprof/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mprof/helper.h"

/* An unnamed file, to be read after gnuplot has ended. -errno on failure. */
static int open_scratch(void)
{
    /*
     * F_DUPFD_CLOEXEC from 3 on: the copy must neither be inherited nor be one of gnuplot's own
     * three.
     */
    FILE *file = tmpfile();
    int fd = file == NULL ? -1 : fcntl(fileno(file), F_DUPFD_CLOEXEC, 3), error = errno;

    if (file != NULL)
        fclose(file);
    return fd < 0 ? -error : fd;
}

int gnuplot_find(struct gnuplot_version *version)
{
    char *const argv[] = {"gnuplot", "--version", NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = open_scratch(), error;
    char text[80] = "";
    pid_t pid;

    pid = out < 0 ? out : helper_start(argv, null, out, null, NULL);
    error = pid < 0 ? pid : helper_wait(pid);
    if (error == 0 && pread(out, text, sizeof text - 1, 0) > 0 &&
        sscanf(text, "gnuplot %d.%d", &version->major, &version->minor) == 2)
        error = 0;
    else if (error == 0)
        error = -EPROTO;
    if (out >= 0)
        close(out);
    close(null);
    return error;
}

/* gnuplot points at errors with a "^" below the script's line; the line that says what is wrong
 * begins with "line N:". */
static void read_message(int fd, char *message, size_t size)
{
    char text[4096], *line, *rest = text, *said = NULL;
    ssize_t length = pread(fd, text, sizeof text - 1, 0);

    text[length < 0 ? 0 : length] = '\0';
    while ((line = strsep(&rest, "\n")) != NULL) {
        line += strspn(line, " \t^");
        if (*line != '\0' && (said == NULL || strncmp(line, "line ", 5) == 0))
            said = line;
    }
    snprintf(message, size, "%s", said == NULL ? "" : said);
    for (char *at = message; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            *at = '.';
}

int gnuplot_run(int script_fd, int picture_fd, const sigset_t *mask, char *message, size_t size)
{
    /* -d: no start-up file of the user's changes the picture. */
    char *const argv[] = {"gnuplot", "-d", NULL};
    int err = open_scratch(), error;
    pid_t pid;

    message[0] = '\0';
    if (err < 0)
        return err;
    if (lseek(script_fd, 0, SEEK_SET) != 0) {
        close(err);
        return -errno;
    }
    pid = helper_start(argv, script_fd, picture_fd, err, mask);
    error = pid < 0 ? pid : helper_wait(pid);
    if (error == -EPROTO)
        read_message(err, message, size);
    close(err);
    return error;
}
