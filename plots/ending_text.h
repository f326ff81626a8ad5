/* How a program ended, in words: for charts, and for the lines of mprof. */
#ifndef PLOTS_ENDING_TEXT_H
#define PLOTS_ENDING_TEXT_H

#include "memprof/profile/run_ending.h"

#define ENDING_TEXT_SIZE 300

/*
 * "exit status 1", "killed by signal 9 (SIGKILL), by the kernel, for memory (limit 512 MiB)". Empty
 * where there is nothing to say: it ended well, or how it ended is not known.
 */
void ending_text(const struct run_ending *ending, char text[ENDING_TEXT_SIZE]);

/* The same without what the kernel did: "exit status 1", "killed by signal 9 (SIGKILL)". */
void ending_text_brief(const struct run_ending *ending, char text[ENDING_TEXT_SIZE]);

#endif
