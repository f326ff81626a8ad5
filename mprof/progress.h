/*
 * A line in the last row of the terminal (with --top: more of them) that tells how the recording
 * goes, while the program has the rows above for itself. Nothing stands there where standard error
 * is no terminal, where that is plain (TERM=dumb, NO_COLOR), and while somebody else has the
 * terminal: a program that reads single keys, a job in the foreground that is not ours.
 *
 * The order of calls: progress_init(), progress_show() when progress_due() has come,
 * progress_hide() before anything else is printed, which may be called at any time;
 * progress_release().
 */
#ifndef MPROF_PROGRESS_H
#define MPROF_PROGRESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mprof/panel.h"
#include "mprof/record_options.h"
#include "mprof/terminal_out.h"

struct progress {
    bool wanted;
    int rows;            /* of the terminal whose last rows it has; 0: it is not shown */
    int height;          /* how many these are */
    int64_t due_ns;      /* monotonic */
    struct panel *panel; /* what mprof top shows, in place of the line; NULL: the line */
    struct terminal_out out;
};

struct progress_facts {
    int64_t elapsed_ns;
    int64_t now_bytes, peak_bytes; /* of those that are measured */
    size_t processes;              /* that there are */
    bool one_measured;             /* of them only the program itself */
};

/* Whether there is to be one: it is a terminal that can show it, and it is not to be quiet. */
bool progress_is_wanted(const struct record_options *options);

/* Adds what is to be waited for where it is wanted: SIGTSTP, before which the line is hidden. */
void progress_add_signal(bool wanted, sigset_t *signals);

/* A short run shows nothing. */
void progress_init(struct progress *progress, const struct record_options *options, int64_t now_ns);

/*
 * Shows what mprof top does of this profile, under that name, in place of the line. Where that
 * cannot be a line says so.
 */
void progress_show_top(struct progress *progress, const char *path, const char *shown);

/* The terminal is as it was; nothing is shown any more. */
void progress_release(struct progress *progress);

/* When it wants to be shown next; INT64_MAX: never. */
static inline int64_t progress_due(const struct progress *progress)
{
    return progress->wanted ? progress->due_ns : INT64_MAX;
}

/* Shows it, or what has become of it, unless nobody takes what is written. */
void progress_show(struct progress *progress, const struct progress_facts *facts, int64_t now_ns);

/* The terminal is as it was, as soon as it takes text; the line is gone. */
void progress_hide(struct progress *progress);

#endif
