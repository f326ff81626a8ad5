/*
 * How a recorded program ended, and what the kernel killed for memory meanwhile: the lines END and
 * OOM, as the recorder knows them and as a reader finds them.
 */
#ifndef MEMPROF_RUN_ENDING_H
#define MEMPROF_RUN_ENDING_H

#include <stdbool.h>
#include <stdint.h>

struct run_ending {
    bool
        is_known; /* there was an END: where not, the program ran on, or its recorder ended first */
    bool by_signal; /* `number` is that of a signal, else of an exit status */
    int number;
    double moment;      /* when it had ended, epoch seconds */
    int64_t kills;      /* processes of its control group that the kernel killed for memory */
    double kill_moment; /* when the last of them was noticed */
    int64_t limit;      /* which it was killed at, bytes; 0: none, or not known */
};

/* The program has ended. */
void run_ending_set(struct run_ending *ending, bool by_signal, int number, double moment);

/* `kills` more were noticed. */
void run_ending_add_kills(struct run_ending *ending, int64_t kills, int64_t limit, double moment);

/*
 * Whether the kernel killed the program for memory, as far as can be told: it got SIGKILL, and the
 * count of its control group rose about then.
 */
bool run_ending_by_kernel(const struct run_ending *ending);

#endif
