/* One recording: the file, the sampler, the signals, and the last line. Shared by run and attach.
 */
#ifndef MPROF_RECORDER_H
#define MPROF_RECORDER_H

#include <limits.h>
#include <stddef.h>

#include "memprof/machine/child_watch.h"
#include "memprof/profile/dat_writer.h"
#include "memprof/machine/process.h"
#include "memprof/sampling/sampler.h"
#include "mprof/command.h"
#include "mprof/signal_relay.h"

struct record_options {
    double interval, timeout; /* seconds; a timeout of 0 is none */
    int sum, each, spikes, quiet;
    const char *output, *backend;
};

#define RECORD_DEFAULTS                                                                            \
    {                                                                                              \
        .interval = 0.1, .backend = "rss"                                                          \
    }

/* The options of run and attach alike; `type` has a struct record_options called `record`. */
#define RECORD_OPTIONS(type)                                                                       \
    {'T',                                                                                          \
     "interval",                                                                                   \
     OPTION_NUMBER,                                                                                \
     offsetof(type, record.interval),                                                              \
     "S",                                                                                          \
     "Seconds between two samples, 0.1 by default, down to 0.0001. Deadlines are absolute: one "   \
     "that is missed is skipped and counted, never made up for."},                                 \
        {'C',                                                                                      \
         "include-children",                                                                       \
         OPTION_FLAG,                                                                              \
         offsetof(type, record.sum),                                                               \
         NULL,                                                                                     \
         "Record the sum over the program and all its descendants. Pages they share are counted "  \
         "once for each: with --backend pss the sum is right."},                                   \
        {'M',         "multiprocess",                                                              \
         OPTION_FLAG, offsetof(type, record.each),                                                 \
         NULL,        "Record each descendant on its own. Together with -C: the sum as well."},    \
        {'t',                                                                                      \
         "timeout",                                                                                \
         OPTION_NUMBER,                                                                            \
         offsetof(type, record.timeout),                                                           \
         "S",                                                                                      \
         "Stop sampling after so many seconds, fractions allowed; 0: no limit. The program "       \
         "itself is never stopped."},                                                              \
        {'o',                                                                                      \
         "output",                                                                                 \
         OPTION_TEXT,                                                                              \
         offsetof(type, record.output),                                                            \
         "FILE",                                                                                   \
         "Write to FILE instead of mprofile_<date and time>.dat. A file that is there is "         \
         "overwritten."},                                                                          \
        {0,                                                                                        \
         "backend",                                                                                \
         OPTION_TEXT,                                                                              \
         offsetof(type, record.backend),                                                           \
         "NAME",                                                                                   \
         "What is measured: rss (resident set, the default), pss (shared pages divided by their "  \
         "users) or uss (private pages); psutil, psutil_pss, psutil_uss and posix mean the "       \
         "same."},                                                                                 \
        {0,                                                                                        \
         "spikes",                                                                                 \
         OPTION_FLAG,                                                                              \
         offsetof(type, record.spikes),                                                            \
         NULL,                                                                                     \
         "Record the largest resident set between every two samples, by resetting the high-water " \
         "mark at each. This changes what the program itself reads as its peak (VmHWM)."},         \
    {                                                                                              \
        'q', "quiet", OPTION_FLAG, offsetof(type, record.quiet), NULL, "Print nothing but errors." \
    }

/* What --help of both says besides. */
#define RECORD_NOTES                                                                               \
    "The kernel's high-water mark of every process is read along and written as PEAK lines, so\n"  \
    "that the peak needs no luck (rss only). Marks are read at least every 100 ms: of a\n"         \
    "descendant, what happens between the last reading and its end can be missed; of the "         \
    "program\n"                                                                                    \
    "itself, where it has had children of its own. Descendants are looked for at every sample,\n"  \
    "or every 100 ms when there are very many: one that lives shorter can be missed.\n"

struct recorder {
    const struct command *command;
    const struct record_options *options;
    enum mem_backend backend;
    int64_t interval_ns;
    char path[PATH_MAX]; /* absolute */
    const char *shown;   /* as the last line names it */
    int named_by_us;
    struct dat_writer writer;
    struct sampler sampler;
    int sampling; /* the sampler was started */
};

/* Checks the options and opens the file. 0, or the exit status after one line about it. */
int recorder_open(struct recorder *recorder, const struct command *command,
                  const struct record_options *options);

/* Writes CMDLINE. 0, or the exit status after one line. */
int recorder_announce(struct recorder *recorder, char *const argv[]);

/* Starts to sample. `variable` is what the family has in its environment, or NULL. 0 or -errno. */
int recorder_start(struct recorder *recorder, pid_t pid, int attached, const char *variable);

/*
 * Samples until the process has ended, or the time is over; where recorder_start() has failed it
 * only waits. Signals go to the relay, or with none end the sampling. Returns 1 if the process has
 * ended, else 0.
 */
int recorder_run(struct recorder *recorder, struct child_watch *watch, struct signal_relay *relay);

/* One line about why nothing is sampled; returns the exit status. */
int recorder_cannot_read(const char *whose, int error);

/* Writes the end of the file. `own_peak_bytes`: of the root as the system says, or -1. */
void recorder_finish(struct recorder *recorder, int64_t own_peak_bytes);

/* Prints the last line; `end` is NULL where the process was not ours. The exit status. */
int recorder_report(const struct recorder *recorder, const struct process_end *end);

/* Closes everything; `keep` 0 removes a file that has no contents worth keeping. */
void recorder_release(struct recorder *recorder, int keep);

#endif
