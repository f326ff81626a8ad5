/*
 * One recording: the file, the sampler, the signals, and the last line. Shared by run and attach.
 *
 * Call order: recorder_open, _announce, _say, _start, _run, _finish, _report, _release. Where
 * recorder_start() fails, _finish and _report are left out. mprof has no threads.
 */
#ifndef MPROF_RECORDER_H
#define MPROF_RECORDER_H

#include <limits.h>
#include <stddef.h>

#include "memprof/machine/child_wait.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/machine/process.h"
#include "memprof/sampling/child_count.h"
#include "memprof/sampling/sampler.h"
#include "mprof/end_watch.h"
#include "mprof/live_page.h"
#include "mprof/progress.h"
#include "mprof/record_options.h"
#include "mprof/signal_relay.h"

struct recorder {
    const struct command *command;        /* borrowed */
    const struct record_options *options; /* borrowed */
    enum mem_backend backend;
    int64_t interval_ns;
    char path[PATH_MAX]; /* absolute */
    const char *shown;   /* as the last line names it; borrowed: a part of `path`, or text */
    int named_by_us;
    struct dat_writer writer;
    struct sampler sampler;
    int sampling; /* the sampler was started */
    struct child_count uncounted;
    struct end_watch end;
    struct progress progress;
    struct live_page live;
};

/* Checks the options and opens the file. 0, or the exit status after one line about it. */
int recorder_open(struct recorder *recorder, const struct command *command,
                  const struct record_options *options);

/* Writes CMDLINE. 0, or the exit status after one line. */
int recorder_announce(struct recorder *recorder, char *const argv[]);

/* Prints how often memory is sampled, and a line of what begins, unless it is to be quiet. */
void recorder_say(const struct recorder *recorder, const char *begins);

/* Starts to sample. `variable` is what the family has in its environment, or NULL. 0 or -errno. */
int recorder_start(struct recorder *recorder, pid_t pid, int attached, const char *variable);

/*
 * Samples until the process has ended, or the time is over; where recorder_start() has failed it
 * only waits. Signals go to the relay, or with none end the sampling. Returns 1 if the process has
 * ended, else 0.
 */
int recorder_run(struct recorder *recorder, struct child_wait *watch, struct signal_relay *relay);

/* One line about why nothing is sampled; returns the exit status. */
int recorder_cannot_read(const char *whose, int error);

/* Writes the end of the file; `end` is NULL where the process was not ours. */
void recorder_finish(struct recorder *recorder, const struct process_end *end);

/* Prints the last line, and before it what else there is to say; `end` is NULL where the process
 * was not ours. The exit status. */
int recorder_report(struct recorder *recorder, const struct process_end *end);

/* Closes everything; `keep` 0 removes a file that has no contents worth keeping. */
void recorder_release(struct recorder *recorder, int keep);

#endif
