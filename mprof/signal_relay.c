#include "mprof/signal_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memprof/machine/oom_kills.h"
#include "memprof/machine/process.h"

/*
 * How long the witness has to report. What timeout(1) does, a signal to the process and at once
 * another one to its group, is one signal within this time.
 */
#define GRACE_NS INT64_C(50000000)

static const int relayed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

#define RELAYED_COUNT (sizeof relayed / sizeof relayed[0])

void signal_relay_set(sigset_t *signals)
{
    sigemptyset(signals);
    for (size_t i = 0; i < RELAYED_COUNT; i++)
        sigaddset(signals, relayed[i]);
}

/* In the witness, whose descriptor 1 is the way to report. */
static void report(int signal)
{
    unsigned char byte = (unsigned char)signal;
    int saved = errno;

    (void)!write(1, &byte, 1);
    errno = saved;
}

/* Lives until mprof ends, however it ends: then the other end of `life_fd` is closed. */
static _Noreturn void witness(int life_fd, int report_fd)
{
    struct sigaction action = {.sa_handler = report, .sa_flags = SA_RESTART};
    sigset_t signals;
    char byte;

    if (dup2(life_fd, 0) < 0 || dup2(report_fd, 1) < 0)
        _exit(1);
    /* A folder that is somebody's current one cannot be unmounted. */
    if (chdir("/") != 0)
        _exit(1);
    for (size_t i = 0; i < RELAYED_COUNT; i++)
        sigaction(relayed[i], &action, NULL);
    signal_relay_set(&signals);
    /* Blocked since before the fork: a signal that came meanwhile is reported now. */
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    /* Ctrl-Z stops the whole group; a stopped witness could report nothing. */
    signal(SIGTSTP, SIG_IGN);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        ;
    _exit(0);
}

int signal_relay_init(struct signal_relay *relay)
{
    int life[2], reports[2], error = process_pipe(life, 0);

    memset(relay, 0, sizeof *relay);
    relay->report_fd = relay->life_fd = -1;
    if (error != 0)
        return error;
    error = process_pipe(reports, 1);
    if (error != 0) {
        close(life[0]);
        close(life[1]);
        return error;
    }
    relay->witness = fork();
    if (relay->witness == 0) {
        /* A witness that held this end would never see it closed. */
        close(life[1]);
        oom_kills_spare_me();
        witness(life[0], reports[1]);
    }
    close(life[0]);
    close(reports[1]);
    relay->life_fd = life[1];
    relay->report_fd = reports[0];
    if (relay->witness < 0) {
        signal_relay_release(relay);
        return -EAGAIN;
    }
    return 0;
}

void signal_relay_release(struct signal_relay *relay)
{
    if (relay->life_fd >= 0)
        close(relay->life_fd);
    if (relay->report_fd >= 0)
        close(relay->report_fd);
    relay->life_fd = relay->report_fd = -1;
    if (relay->witness > 0) {
        kill(relay->witness, SIGKILL);
        waitpid(relay->witness, NULL, 0);
    }
    relay->witness = 0;
}

void signal_relay_got(struct signal_relay *relay, int signal, int64_t now_ns)
{
    /* A second one within the time is the same signal (GRACE_NS): its moment stays. */
    if (signal > 0 && signal < SIGNAL_RELAY_MAX && relay->decide_ns[signal] == 0)
        relay->decide_ns[signal] = now_ns + GRACE_NS;
}

void signal_relay_listen(struct signal_relay *relay, int64_t now_ns)
{
    unsigned char reports[64];
    ssize_t count = read(relay->report_fd, reports, sizeof reports);

    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        /* The witness was killed: from now on everything is passed on. */
        close(relay->report_fd);
        relay->report_fd = -1;
    }
    for (ssize_t i = 0; i < count; i++)
        if (reports[i] < SIGNAL_RELAY_MAX)
            relay->heard_ns[reports[i]] = now_ns;
}

int64_t signal_relay_deadline(const struct signal_relay *relay)
{
    int64_t deadline_ns = INT64_MAX;

    for (int signal = 1; signal < SIGNAL_RELAY_MAX; signal++)
        if (relay->decide_ns[signal] != 0 && relay->decide_ns[signal] < deadline_ns)
            deadline_ns = relay->decide_ns[signal];
    return deadline_ns;
}

static int reached_the_group(const struct signal_relay *relay, int signal)
{
    int64_t heard_ns = relay->heard_ns[signal];

    /*
     * decide_ns is GRACE_NS after mprof got the signal: what the witness got up to GRACE_NS before
     * that is the same signal.
     */
    return heard_ns != 0 && heard_ns >= relay->decide_ns[signal] - 2 * GRACE_NS;
}

void signal_relay_decide(struct signal_relay *relay, pid_t pid, int64_t now_ns)
{
    for (int signal = 1; signal < SIGNAL_RELAY_MAX; signal++) {
        if (relay->decide_ns[signal] == 0 || now_ns < relay->decide_ns[signal])
            continue;
        /* A program that has moved to a group of its own did not get what ours got. */
        if (!reached_the_group(relay, signal) || getpgid(pid) != getpgrp())
            kill(pid, signal);
        relay->decide_ns[signal] = relay->heard_ns[signal] = 0;
    }
}
