/*
 * The least that sampling a process costs here: sleep to a deadline, read statm and status, write a
 * line; nothing else is done or kept.
 *
 *     bare_sampler PID INTERVAL SECONDS FILE
 *
 * Prints the share of a core it took, after the first second.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000L

static int open_proc(const char *pid, const char *name)
{
    char path[64];
    int fd;

    snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
    fd = open(path, O_RDONLY);
    if (fd < 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

/* Nanoseconds on a processor until now. */
static double own_time(int schedstat)
{
    char text[128] = "";

    if (pread(schedstat, text, sizeof text - 1, 0) <= 0)
        exit(1);
    return strtod(text, NULL);
}

int main(int count, char **words)
{
    static const char line[] = "MEM 1.703125 1795611213.0126\n";
    char text[4096];
    struct timespec deadline;
    double begin = 0;
    long interval, rounds, settled;
    int statm, status, schedstat, out;

    if (count != 5)
        return 2;
    interval = (long)(strtod(words[2], NULL) * 1e9);
    rounds = (long)(strtod(words[3], NULL) * 1e9) / interval;
    settled = SECOND_NS / interval;
    statm = open_proc(words[1], "statm");
    status = open_proc(words[1], "status");
    schedstat = open_proc("self", "schedstat");
    out = open(words[4], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0666);
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    for (long i = 0; i < rounds; i++) {
        if (i == settled)
            begin = own_time(schedstat);
        deadline.tv_nsec += interval;
        deadline.tv_sec += deadline.tv_nsec / SECOND_NS;
        deadline.tv_nsec %= SECOND_NS;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
        if (pread(statm, text, 64, 0) <= 0 || pread(status, text, sizeof text, 0) <= 0 ||
            write(out, line, sizeof line - 1) != sizeof line - 1)
            return 1;
    }
    printf("%.9f\n",
           (own_time(schedstat) - begin) / ((double)(rounds - settled) * (double)interval));
    return 0;
}
