/*
 * --live: a page that shows a recording while it goes on. Nothing listens: the page asks for a file
 * beside it, which a process beside the recorder replaces (live_writer.h).
 *
 * The order of calls: live_page_check(), and with the profile live_page_open(); live_page_start()
 * when it is recorded, live_page_end() when the profile is whole, live_page_wait();
 * live_page_release() in any case. Without a page (NULL) all of them do nothing.
 */
#ifndef MPROF_LIVE_PAGE_H
#define MPROF_LIVE_PAGE_H

#include <sys/types.h>

#include "mprof/command.h"
#include "mprof/live_writer.h"

struct live_page {
    const struct command *command; /* borrowed */
    struct live_files files;
    pid_t writer; /* 0: it was not started */
    int life_fd;  /* it lives as long as this is open; -1: closed */
};

/*
 * Whether the page can be written, before anything is: `output` is the profile's name, or NULL. 0,
 * or the exit status after one line.
 */
int live_page_check(struct live_page *live, const struct command *command, const char *page,
                    const char *output);

/* Opens the profile, which is at `path` and called `shown`. 0, or the exit status after one line.
 */
int live_page_open(struct live_page *live, const char *path, const char *shown);

void live_page_start(struct live_page *live);
void live_page_end(struct live_page *live);

/* The exit status of what was written, after a line each about what was not. */
int live_page_wait(struct live_page *live);

void live_page_release(struct live_page *live);

#endif
