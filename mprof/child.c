#include "mprof/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/process.h"

void child_state_save(struct child_state *state, const sigset_t *relayed)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL};

    sigprocmask(SIG_BLOCK, relayed, &state->mask);
    sigaction(SIGPIPE, &ignored, &state->pipe);
    sigaction(SIGXFSZ, &ignored, &state->file_size);
    /* Where SIGCHLD is ignored the kernel collects children itself, and waiting for them fails. */
    sigaction(SIGCHLD, &normal, &state->child);
}

/* In the child: runs the program, or tells through the pipe why it cannot. */
static _Noreturn void become(char *const argv[], const struct child_state *state, int tell_fd)
{
    /* Read before the exec: the kernel counts this peak as the program's own afterwards. */
    int64_t inherited = process_own_peak();
    int error;

    sigaction(SIGPIPE, &state->pipe, NULL);
    sigaction(SIGXFSZ, &state->file_size, NULL);
    sigaction(SIGCHLD, &state->child, NULL);
    sigprocmask(SIG_SETMASK, &state->mask, NULL);
    (void)!write(tell_fd, &inherited, sizeof inherited);
    execvp(argv[0], argv);
    error = errno;
    /* Nobody to tell means that mprof was killed: the child ends all the same. */
    (void)!write(tell_fd, &error, sizeof error);
    /* Not exit(): that would write the buffers that the child shares with mprof a second time. */
    _exit(127);
}

/* Fills `size` bytes from the pipe. 0, or -EPIPE at its end. */
static int receive(int fd, void *bytes, size_t size)
{
    ssize_t length;

    do
        length = read(fd, bytes, size);
    while (length < 0 && errno == EINTR);
    return length == (ssize_t)size ? 0 : -EPIPE;
}

pid_t child_spawn(char *const argv[], const struct child_state *state, int64_t *inherited_bytes)
{
    int tell[2], error = process_pipe(tell, 0);
    pid_t pid;

    if (error != 0)
        return error;
    pid = fork();
    if (pid < 0)
        error = errno;
    if (pid == 0)
        become(argv, state, tell[1]);
    close(tell[1]);
    if (pid > 0) {
        if (receive(tell[0], inherited_bytes, sizeof *inherited_bytes) != 0 || *inherited_bytes < 0)
            /* Not known: then no peak is above it, and none is taken for the program's. */
            *inherited_bytes = INT64_MAX;
        /* The exec closes the other end: nothing to read means that the program runs. */
        if (receive(tell[0], &error, sizeof error) == 0)
            (void)waitpid(pid, NULL, 0);
        else
            error = 0;
    }
    close(tell[0]);
    return error != 0 ? -error : pid;
}
