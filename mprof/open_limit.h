/*
 * Opening a named pipe waits for its other end, and some files wait for ever. What is opened
 * between these two calls fails with EINTR after OPEN_LIMIT seconds.
 */
#ifndef MPROF_OPEN_LIMIT_H
#define MPROF_OPEN_LIMIT_H

#include <signal.h>

#define OPEN_LIMIT 5

struct open_limit {
    struct sigaction action;
    sigset_t mask;
};

void open_limit_begin(struct open_limit *limit);

/* Everything is as before. Does not change errno. */
void open_limit_end(const struct open_limit *limit);

/* What an error (-errno) of opening means: -EINTR that nobody is at the other end. */
const char *open_limit_why(int error);

#endif
