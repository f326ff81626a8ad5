#include "memprof/profile/run_ending.h"

#include <signal.h>

/*
 * The kernel counts a kill before the process is gone: it gives its memory back first, 100 GiB in
 * seconds. What was noticed longer before the end was another process.
 */
#define DYING_SECONDS 5

void run_ending_set(struct run_ending *ending, bool by_signal, int number, double moment)
{
    ending->is_known = true;
    ending->by_signal = by_signal;
    ending->number = number;
    ending->moment = moment;
}

void run_ending_add_kills(struct run_ending *ending, int64_t kills, int64_t limit, double moment)
{
    /* A file may claim any number. */
    ending->kills = kills > INT64_MAX - ending->kills ? INT64_MAX : ending->kills + kills;
    ending->limit = limit;
    ending->kill_moment = moment;
}

bool run_ending_by_kernel(const struct run_ending *ending)
{
    return ending->is_known && ending->by_signal && ending->number == SIGKILL &&
           ending->kills > 0 && ending->moment - ending->kill_moment <= DYING_SECONDS;
}
