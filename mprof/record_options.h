/* What run and attach are asked in the same words. */
#ifndef MPROF_RECORD_OPTIONS_H
#define MPROF_RECORD_OPTIONS_H

#include "mprof/command.h"

struct record_options {
    double interval, timeout; /* seconds; a timeout of 0 is none */
    int sum, each, parts, spikes, quiet, verbose, top;
    const char *output, *backend, *live;
};

#define RECORD_DEFAULTS                                                                            \
    {                                                                                              \
        .interval = 0.1, .backend = "rss"                                                          \
    }

/* Their table: the shared_options of a command whose values begin with a struct record_options. */
extern const struct option_spec record_option_table[];

/* What --help of both says besides. */
#define RECORD_NOTES                                                                               \
    "The kernel's high-water mark of every process is read along and written as #PEAK lines, so\n" \
    "that the peak needs no luck (rss only). Marks are read at least every 100 ms: of a\n"         \
    "descendant, what happens between the last reading and its end can be missed; of the "         \
    "program\n"                                                                                    \
    "itself, where it has had children of its own. Descendants are looked for at every sample,\n"  \
    "or every 100 ms when there are very many: one that lives shorter can be missed.\n"            \
    "\nWhere the kernel kills processes of its control group (cgroup) for memory, a line tells.\n" \
    "\nOn a terminal its last row tells how it goes (not with -q, NO_COLOR or TERM=dumb).\n"       \
    "--top shows more there: the curve, the processes, the calls that are open.\n"

#endif
