/*
 * How the program ends: whether the kernel killed for memory where it was, its status, and what it
 * was in; and before, under which limits of memory it runs. What is learned is written into the
 * profile as well.
 *
 * The order of calls: end_watch_init(), end_watch_step() with samples, end_watch_look() when the
 * process has ended and was not collected yet, end_watch_finish() behind sampler_finish(),
 * end_watch_report().
 */
#ifndef MPROF_END_WATCH_H
#define MPROF_END_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/oom_kills.h"
#include "memprof/machine/process.h"
#include "memprof/profile/profile.h"
#include "memprof/profile/run_ending.h"
#include "memprof/sampling/sampler.h"

struct end_watch {
    struct oom_kills kills;
    bool can_look;
    int64_t due_ns, pause_ns; /* of the next look, monotonic */
    /* Bytes, 0: none. As they were when the process was last seen alive; what was written of them.
     */
    int64_t limits[PROFILE_LIMITS], written[PROFILE_LIMITS];
    struct run_ending ending;
};

/* Begins in the control group of `pid`; 0: of mprof, in which a program of its own starts. */
void end_watch_init(struct end_watch *watch, pid_t pid);

/* Looks now, and writes what is new with the next sample. `pid` 0: not where the process is. */
void end_watch_look(struct end_watch *watch, struct sampler *sampler, pid_t pid);

/* The same where it is due: soon after the start, later every second. */
void end_watch_step(struct end_watch *watch, struct sampler *sampler, pid_t pid, int64_t now_ns);

/*
 * Reads the limits of the process, and writes those that have changed with the next sample. Also
 * part of end_watch_step().
 */
void end_watch_limits(struct end_watch *watch, struct sampler *sampler, pid_t pid);

/* The last look; `end` is NULL where the process was not ours. */
void end_watch_finish(struct end_watch *watch, struct sampler *sampler,
                      const struct process_end *end);

/* Prints a line about what the last line does not tell of a bad end: the calls that were open then,
 * the kernel. */
void end_watch_report(const struct end_watch *watch, const struct sampler *sampler);

#endif
