/*
 * Where `mprof top` has its numbers from: a profile that is read on as it grows, with the processes
 * of its run as they are now, or a process of which it takes samples itself.
 *
 * The order of calls: top_source_file() or top_source_process(); top_source_step() and
 * top_source_show() for each frame; top_source_release().
 */
#ifndef MPROF_TOP_SOURCE_H
#define MPROF_TOP_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "memprof/profile/dat_scan.h"
#include "memprof/profile/live_run.h"
#include "mprof/top_family.h"
#include "plots/top_facts.h"

#define TOP_STATE_SIZE 400

/* Bytes by which a file is known again. */
#define TOP_LAST_SIZE 64

struct top_source {
    const char *file; /* borrowed; NULL: a process */
    int fd;
    struct dat_scanner scanner;
    struct dat_counts counts; /* of its lines */
    off_t read;               /* of the file so far, */
    char last[TOP_LAST_SIZE]; /* which ended with these bytes */
    struct live_run run;
    struct top_family family;
    bool has_family;
    double sought;    /* the start of the run whose processes were looked for last */
    int64_t ended_ns; /* when its process was seen no more; 0: it is there, or never was */
    /* What is shown, which may be older. */
    struct live_run shown;
    struct open_spans spans;
    uint64_t spans_of;             /* which they are: those of run.open after so many changes, */
    double spans_run;              /* in the run that started then */
    struct top_process *processes; /* owned, with their commands */
    size_t n_processes;
    char *title; /* owned */
    char state[TOP_STATE_SIZE];
};

/* 0, or an exit status after a line that says why. */
int top_source_file(struct top_source *source, const char *file);
int top_source_process(struct top_source *source, pid_t pid, bool sum);
void top_source_release(struct top_source *source);

/* Reads what is new. 0 or -errno. While paused a file is not read: nothing of it is lost. */
int top_source_step(struct top_source *source, bool is_paused);

/* Puts what is known into a view, unless it is paused. 0 or -ENOMEM. */
int top_source_show(struct top_source *source, struct top_facts *view);

/* Whether nothing more can come. */
bool top_source_is_over(const struct top_source *source);

#endif
