/* What `mprof top` shows: what is known of a run at the moment, and how it is to be looked at. */
#ifndef PLOTS_TOP_FACTS_H
#define PLOTS_TOP_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/live_run.h"

/* Amounts in bytes; below 0: cannot be read. */
struct top_process {
    int64_t pid;
    char *command; /* owned by who made the list; visible text */
    int64_t rss, pss, swap;
};

enum top_list { TOP_PROCESSES, TOP_TYPES, TOP_HELP };

struct top_facts {
    const struct live_run *run;
    const char *title; /* visible text */
    const char *state; /* "running", "ended: exit status 1" */
    double now;        /* a moment: the right end of the curve */
    struct top_process *processes;
    size_t n_processes;
    const struct open_spans *open;
    bool is_paused;
    bool has_keys; /* somebody can press them: they are told */
    enum top_list list;
    int sort;   /* how often it was asked for: each list has its own keys */
    int scroll; /* rows of the list above the window; what is too much is taken back */
};

#endif
