/*
 * What the line profiler's peaks take from a recorder: `mprof run` reads the high-water mark of
 * this process too, and finds it set back. So the highest HWM that was taken away is written into
 * the recorder's file, as a PEAK line: at once where it is well above what was written before, so
 * that no end of the process loses more than a little, and the rest when nothing takes any more.
 *
 * Each line opens the file anew and closes it: the program may close every descriptor it finds.
 */
#ifndef MEMPROF_PEAK_NOTE_H
#define MEMPROF_PEAK_NOTE_H

#include <stdint.h>
#include <sys/types.h>

struct peak_note {
    char *path;   /* owned; NULL: nobody records this process */
    pid_t pid;    /* whose peak `told` is: another one after a fork */
    int64_t told; /* bytes */
};

/* `path` is that of the recorder's file, or NULL; it is copied. 0 or -ENOMEM. */
int peak_note_init(struct peak_note *note, const char *path);
void peak_note_release(struct peak_note *note);

/*
 * `bytes` is the highest HWM taken away so far. Writes it where it is well above what was written;
 * `all` writes any rise. What could not be written is tried again by the next call.
 */
void peak_note_tell(struct peak_note *note, int64_t bytes, int all);

#endif
