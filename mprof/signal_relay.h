/*
 * Lets each signal reach the program once, whoever it was sent to. A signal sent to mprof alone is
 * passed on; one that the whole process group got has reached the program already. Which of the
 * two it was is told by a witness: a small process of the same group that does nothing but report
 * its signals.
 *
 * Call order: signal_relay_set, with these signals blocked signal_relay_init; then for each event
 * _got or _listen, and _decide no later than _deadline says; signal_relay_release.
 */
#ifndef MPROF_SIGNAL_RELAY_H
#define MPROF_SIGNAL_RELAY_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#define SIGNAL_RELAY_MAX 32

struct signal_relay {
    pid_t witness;                       /* 0: none, everything is passed on */
    int report_fd;                       /* its reports */
    int life_fd;                         /* closed: the witness ends */
    int64_t decide_ns[SIGNAL_RELAY_MAX]; /* got it, and decides then; 0: did not get it */
    int64_t heard_ns[SIGNAL_RELAY_MAX];  /* when the witness reported it, 0: it did not */
};

/* The signals that are passed on: HUP INT QUIT TERM USR1 USR2. */
void signal_relay_set(sigset_t *signals);

/* Starts the witness; the signals must be blocked. 0 or -errno. */
int signal_relay_init(struct signal_relay *relay);

/* Ends the witness. */
void signal_relay_release(struct signal_relay *relay);

/* mprof got the signal. */
void signal_relay_got(struct signal_relay *relay, int signal, int64_t now_ns);

/* Reads what the witness has reported. */
void signal_relay_listen(struct signal_relay *relay, int64_t now_ns);

/* When signal_relay_decide() wants to be called, INT64_MAX: nothing is open. */
int64_t signal_relay_deadline(const struct signal_relay *relay);

/* Passes on what has to be, to the program `pid`. */
void signal_relay_decide(struct signal_relay *relay, pid_t pid, int64_t now_ns);

#endif
