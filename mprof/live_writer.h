/*
 * Writes the page of a recording that goes on. It runs in a process of its own and in the lowest
 * place for the processor, so that no sample waits for it.
 */
#ifndef MPROF_LIVE_WRITER_H
#define MPROF_LIVE_WRITER_H

struct live_files {
    const char *page;    /* borrowed; the name of the page */
    char *data;          /* owned; of what the page shows, beside it */
    const char *profile; /* borrowed; of the recording, for a title */
    int profile_fd;      /* to be read; -1: not open */
};

/*
 * Writes the page, and once a second what it shows, until `life_fd` gives a byte: then the ordinary
 * page. Where that ends without a byte, the recorder is gone, and everything stays as it is.
 * Returns an exit status, and has said in a line each what could not be written.
 */
int live_writer_run(const struct live_files *files, int life_fd);

#endif
