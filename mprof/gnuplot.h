/*
 * Runs gnuplot: no shell, no start-up file of the user's, the script as its standard input and the
 * picture as its standard output. Functions return 0 or -errno and print nothing.
 */
#ifndef MPROF_GNUPLOT_H
#define MPROF_GNUPLOT_H

#include <signal.h>
#include <stddef.h>

#define GNUPLOT_OLDEST_MAJOR 5

struct gnuplot_version {
    int major, minor;
};

/* The version that is installed. -ENOENT: none; -EPROTO: what it says is no version. */
int gnuplot_find(struct gnuplot_version *version);

/*
 * Runs the script that `script_fd` holds, from its start. Its signal mask is `mask`. -EPROTO: it
 * failed or was killed; `message` then holds what it said first, in one line, or is empty.
 */
int gnuplot_run(int script_fd, int picture_fd, const sigset_t *mask, char *message, size_t size);

#endif
