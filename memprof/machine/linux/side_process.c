#include "memprof/machine/side_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/clock.h"

/* How often the keeper looks for the end of its program. */
#define LOOK_EVERY_MS 5

#define CANNOT_RUN 127

/*
 * What the process handles would run in its copy: everything is as for a new program, but that
 * what may come to the whole group is ignored, here and in the program.
 */
static void forget_handlers(int number)
{
    struct sigaction now, normal = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};

    for (int each = 1; each < NSIG; each++)
        if (sigaction(each, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(each, &normal, NULL);
    /* Where it is ignored the kernel collects children itself, and waiting for them fails. */
    sigaction(SIGCHLD, &normal, NULL);
    sigaction(number, &ignored, NULL);
    sigaction(SIGTERM, &ignored, NULL);
}

static void write_number(char *text, int number)
{
    char digits[12];
    int count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *text++ = digits[--count];
    *text = '\0';
}

/* What is to be read, as a file without a name that the program inherits: its descriptor. */
static int make_file(const struct side_process *side)
{
    int fd = (int)syscall(SYS_memfd_create, "memory_profiler", 0), error;

    if (fd < 0)
        return -errno;
    error = side->write(side->context, fd);
    return error == 0 ? fd : error;
}

/* A pipe that nobody reads is an error: there is no time to wait for somebody. */
static int append_to(const char *output)
{
    int how = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    int fd = open(output, how, 0666);

    return fd >= 0 && fcntl(fd, F_SETFL, O_APPEND) == 0 && dup2(fd, 1) >= 0 ? 0 : -errno;
}

/* Whether the program ended with 0 in time. */
static int watch(pid_t program, int64_t most_ns)
{
    int64_t end_ns = clock_monotonic_ns() + most_ns;
    int status;

    for (;;) {
        pid_t ended = waitpid(program, &status, __WALL | WNOHANG);

        if (ended != 0)
            return ended == program && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (clock_monotonic_ns() > end_ns)
            kill(program, SIGKILL);
        poll(NULL, 0, LOOK_EVERY_MS);
    }
}

static _Noreturn void keep(const struct side_process *side)
{
    sigset_t none;
    int fd;
    pid_t program;

    forget_handlers(side->number);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fd = make_file(side);
    if (fd < 0 || (side->output != NULL && append_to(side->output) != 0))
        _exit(CANNOT_RUN);
    write_number(side->fd_text, fd);
    /* A second copy of the memory would take as long as the first: this one is lent until the exec.
     */
    program = vfork(); /* NOLINT: the handlers that fork() would call are not ours to call */
    if (program == 0) {
        execve(side->argv[0], side->argv, side->envp);
        _exit(CANNOT_RUN);
    }
    _exit(program > 0 && watch(program, side->most_ns) ? 0 : CANNOT_RUN);
}

pid_t side_process_start(const struct side_process *side)
{
    sigset_t all, before;
    long pid;
    int error;

    /* What comes to the copy before it has forgotten the handlers waits. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    /* All arguments 0, in whatever order a processor has them: a fork whose end sends no signal. */
    pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
    error = errno;
    if (pid == 0)
        keep(side);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -error : (pid_t)pid;
}

int side_process_wait(pid_t keeper)
{
    int status;
    pid_t ended;

    do
        ended = waitpid(keeper, &status, __WALL);
    while (ended < 0 && errno == EINTR);
    return ended == keeper && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int side_process_has_ended(pid_t keeper)
{
    return waitpid(keeper, NULL, __WALL | WNOHANG) != 0;
}
