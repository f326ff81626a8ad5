/*
 * A recorded run in memory: what dat_read() makes of a profile file, and what charts are drawn
 * from. Memory is in MiB, moments are in seconds since the epoch (wall clock), both as double and
 * always finite. Strings are as they were recorded, any bytes but NUL, '\n' and '\r'; NUL bytes of
 * the file are shown as blanks. Functions that return int return 0 or -errno.
 *
 * One file may hold several runs, one after the other: their records stand together, and `runs` has
 * one entry for each.
 *
 * The order of calls: profile_init(), then what adds, then profile_finish() once, then what reads,
 * then profile_release(). The profile owns all that its members point to.
 *
 * Threads, here and in the whole room: one object is used by one thread at a time, unless its
 * header says otherwise.
 */
#ifndef MEMPROF_PROFILE_H
#define MEMPROF_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/run_ending.h"
#include "memprof/profile/sample_series.h"
#include "memprof/profile/type_history.h"

/* What is known of one process by its pid (-M, PEAK, SPIKE, TYPE). */
struct profile_process {
    int64_t pid;
    struct profile_samples samples; /* CHLD; none of the root itself, that is profile.samples */
    struct profile_samples peaks;   /* PEAK: the high-water mark and when it was noticed */
    struct profile_samples spikes;  /* SPIKE: the largest since the sample before */
    struct type_history types;      /* TYPE */
    bool is_root;                   /* after profile_finish(): it is that of a run */
    uint64_t round;                 /* private: the last sample of the root that it followed */
};

#define PROFILE_NO_LEVEL (-1)

/* One activation of a marked function or block. */
struct profile_span {
    const char *name;    /* borrowed from the profile; equal names are the same pointer */
    double begin, end;   /* moments; an open span has end = begin */
    double memory_begin; /* at its begin */
    double memory_end;   /* at its end; an open span has that of its begin */
    int level;           /* how many spans were open around it, or PROFILE_NO_LEVEL */
    int open;            /* 1: its end was never written (BEGIN without its FUNC) */
};

/* RUN: how it was sampled. Files of memory_profiler have none. */
struct profile_run {
    int64_t pid;         /* of the root */
    double interval;     /* seconds */
    double moment;       /* of its start */
    const char *backend; /* rss, pss, uss */
    int sum;             /* 1: `samples` are sums with all descendants (-C) */
    int each;            /* 1: descendants stand in `processes` (-M) */
    int attached;        /* 1: the process ran before */
};

/* MISSED and STEP: a number that goes with a moment. */
struct profile_note {
    double value, moment;
};

struct profile_notes {
    struct profile_note *at;
    size_t count, capacity;
};

/* What memory is made of (PARTS). The first three are resident. */
enum profile_part { PROFILE_ANONYMOUS, PROFILE_FILE, PROFILE_SHARED, PROFILE_SWAP, PROFILE_PARTS };

/* Which limit (LIMIT): of the control groups around the program, or RLIMIT_AS. */
enum profile_limit { PROFILE_CGROUP, PROFILE_ADDRESS, PROFILE_LIMITS };

struct profile_index {
    uint32_t *slots; /* number of the entry + 1, or 0 */
    size_t capacity; /* a power of two, or 0 */
};

struct profile {
    struct profile_samples samples; /* MEM */

    struct profile_process *processes; /* in order of appearance */
    size_t n_processes, process_capacity;

    struct profile_span *spans; /* after profile_finish(): in order of their begins, then levels */
    size_t n_spans, span_capacity;

    struct profile_run *runs;
    size_t n_runs, run_capacity;
    /* After profile_finish(): a run sampled sums; descendants were recorded, each for itself. */
    bool is_sum, has_each;

    struct profile_notes
        starts;         /* moments of the first samples of all runs; in order when finished */
    double last_moment; /* of the newest sample; 0: there is none */
    struct profile_samples parts[PROFILE_PARTS]; /* PARTS: of each as many, at the same moments */
    struct profile_notes limits[PROFILE_LIMITS]; /* MiB from then on; 0: none any more */
    struct profile_notes missed; /* deadlines unsampled so far, each line replaces the one before */
    struct profile_notes steps;  /* the wall clock was set by so many seconds */

    /* The largest of the process and its recorded children together (-M); of none: not recorded. */
    struct profile_sample sum_peak;
    size_t sum_children; /* the most at once */

    struct run_ending ending; /* OOM and END, of the last run */

    char *command_line;   /* of the last CMDLINE, NULL: none */
    size_t command_lines; /* how many there were */

    uint64_t lines;   /* in the file, without empty ones */
    uint64_t unknown; /* skipped: their keyword is not known */
    uint64_t broken;  /* skipped: torn, cut short, or not the numbers they should be */

    /* private: found by profile_name() and profile_process() */
    char **names;
    size_t n_names, name_capacity;
    struct profile_index name_index, process_index;
};

/* Sets everything to nothing. */
void profile_init(struct profile *profile);

/* Frees everything; the profile is as after profile_init(). */
void profile_release(struct profile *profile);

/* Adds one note. 0 or -ENOMEM. */
int profile_notes_add(struct profile_notes *notes, double value, double moment);

/*
 * The process of that pid, which is added if it is new. Borrowed: valid until the next one is
 * added. NULL without memory.
 */
struct profile_process *profile_process(struct profile *profile, int64_t pid);

/* The process of that pid, or NULL. */
const struct profile_process *profile_process_find(const struct profile *profile, int64_t pid);

/*
 * The profile's one copy of a name, which is added if it is new. Borrowed: valid until the release.
 * NULL without memory.
 */
const char *profile_name(struct profile *profile, const char *text, size_t length);

/* Adds a span; its name must come from profile_name(). 0 or -ENOMEM. */
int profile_span_add(struct profile *profile, const struct profile_span *span);

/* Adds a run; its backend must come from profile_name(). 0 or -ENOMEM. */
int profile_run_add(struct profile *profile, const struct profile_run *run);

/* Replaces the command line. 0 or -ENOMEM. */
int profile_command_line(struct profile *profile, const char *text, size_t length);

/* Whether a run began behind `after` and not behind `until`: there is nothing between them. */
bool profile_begins_between(const struct profile *profile, double after, double until);

/*
 * Sorts samples and spans, drops each open span whose end was recorded as well, tells roots from
 * children, and frees memory that is not needed. Call it once, when everything is added.
 */
void profile_finish(struct profile *profile);

/*
 * How long the last run took, in seconds: from its first sample to its end or, where that is not
 * known, to its last sample. Negative: that is not known.
 */
double profile_duration(const struct profile *profile);

#endif
