/*
 * Sends a signal of this process to it once more, a little later. A forked child has none of its
 * parent's timers. Linux; elsewhere there is none.
 */
#ifndef MEMPROF_SIGNAL_TIMER_H
#define MEMPROF_SIGNAL_TIMER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct signal_timer {
    int id;
    const void *mark; /* in the signals that it sends */
};

/* A timer that does not run yet. 0 or -errno; -ENOSYS: this system has none. */
int signal_timer_init(struct signal_timer *timer, int number);
void signal_timer_release(struct signal_timer *timer);

/* From here on: may be called by signal handlers. */

/* Lets it send the signal once after so many nanoseconds, in the place of what was set before; 0:
 * never. */
void signal_timer_set(const struct signal_timer *timer, int64_t ns);

/* Whether a signal was sent by it. */
bool signal_timer_sent(const struct signal_timer *timer, const siginfo_t *info);

#endif
