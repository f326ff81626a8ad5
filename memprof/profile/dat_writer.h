/*
 * Writes a profile file. The lines, one record each (memory in MiB, moments in epoch seconds):
 *
 *     CMDLINE args joined by spaces                        what ran
 *     MEM memory moment                                    the process (with its children: -C)
 *     CHLD pid memory moment                               one descendant (-M)
 *     FUNC name memory moment memory moment level          a marked call, when it has ended
 *     #RUN/pid/backend/how/interval memory moment          how it is sampled (see below)
 *     #BEGIN/level/name memory moment                      a marked call that is still open
 *     #PEAK/pid memory moment                              the high-water mark, noticed then
 *     #SPIKE/pid memory moment                             the largest since the sample before
 *     #STEP/seconds memory moment                          the wall clock was set
 *     #MISSED/count memory moment                          deadlines that passed unsampled so far
 *     #OOM/kills/limit memory moment                       killed for memory (see below)
 *     #LIMIT/cgroup/bytes memory moment                    its limit from then on (see below)
 *     #LIMIT/address/bytes memory moment
 *     #PARTS/anonymous/file/shared/swap memory moment      what MEM of that moment is made of
 *     #TYPE/pid/name/objects/bytes memory moment           objects of a type (see below)
 *     #END/pid/exit/status memory moment                   the program ended so,
 *     #END/pid/signal/number memory moment                 or by this signal
 *
 * The first four are memory_profiler's, and read by many. All others are comments of three fields:
 * whoever takes every line for numbers finds a true point in fields 2 and 3. What `memory` is of,
 * where that is not said: the program as it was last sampled; in RUN, when sampling began.
 *
 * In RUN, `interval` is in seconds, `backend` is rss, pss or uss, and `how` is one of
 * process, sum, each, sum+each, with +attach behind it where the process ran before.
 * LIMIT: `cgroup` is the least of the control groups around the program, `address` is RLIMIT_AS; a
 * change is another line, 0 means that there is none any more. PARTS are in bytes; the first three
 * are resident and add up to `memory`, swap is beside it.
 * TYPE: of the types with the most bytes how many objects lived, and the bytes of these; one line
 * for a name, all of a census with the same pid and moment; `memory` is what that process held
 * then. OOM: the kernel killed so many processes of the control group for memory, noticed then;
 * `limit` in bytes is the one that was hit, 0 where that is not known. A BEGIN is closed by the
 * FUNC that has its name and its first moment. No name holds a blank: in FUNC and in details one is
 * written as U+00A0, line ends as %0A and %0D, and in details also '/' as %2F and '%' as %25.
 * Readers skip the keywords they do not know.
 *
 * Lines of a sample are gathered and written by one append; everything else is one append at
 * once, so any number of processes may write one file. Functions return 0 or -errno.
 *
 * The order of calls: dat_writer_open(); dat_writer_cmdline() and dat_writer_run(); for each sample
 * its lines and dat_writer_flush(); dat_writer_release(). One thread at a time, except for
 * dat_writer_func() and dat_writer_begin().
 */
#ifndef MEMPROF_DAT_WRITER_H
#define MEMPROF_DAT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct dat_writer {
    int fd;              /* -1: nothing open */
    int moment_decimals; /* of MEM and CHLD: 4, or 6 for intervals below 10 ms */
    int torn;            /* the last append was cut short in the middle of a line */
    int reads_back;      /* a plain file, whose end can be looked at through fd */
    int64_t moment_ns;   /* the latest that was gathered, */
    int64_t looked_ns;   /* and the one at which the file's end was last looked at; 0: never */
    char *text;          /* owned: lines not yet written */
    size_t length, capacity;
};

/* How dat_writer_open() treats the file. */
enum dat_mode {
    DAT_NEW,      /* -EEXIST when it is there */
    DAT_TRUNCATE, /* emptied when it is there */
    DAT_APPEND,   /* kept when it is there */
};

/* Opens `path` by safe_open() for appending; children that exec do not inherit it. */
int dat_writer_open(struct dat_writer *writer, const char *path, enum dat_mode mode,
                    int moment_decimals);

/* Closes the file; what was gathered and not flushed is lost. */
void dat_writer_release(struct dat_writer *writer);

/* Gathers CMDLINE; arguments with blanks stand in '…', line ends are written as \n and \r. */
int dat_writer_cmdline(struct dat_writer *writer, char *const argv[]);

/* Gathers RUN. */
int dat_writer_run(struct dat_writer *writer, pid_t pid, int64_t interval_ns, const char *backend,
                   const char *how, int64_t bytes, int64_t moment_ns);

/* Gather one line of a sample. Memory in bytes, moments in nanoseconds since the epoch. */
int dat_writer_mem(struct dat_writer *writer, int64_t bytes, int64_t moment_ns);
int dat_writer_child(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns);
int dat_writer_peak(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns);
int dat_writer_spike(struct dat_writer *writer, pid_t pid, int64_t bytes, int64_t moment_ns);
int dat_writer_step(struct dat_writer *writer, int64_t step_ns, int64_t bytes, int64_t moment_ns);
int dat_writer_missed(struct dat_writer *writer, int64_t count, int64_t bytes, int64_t moment_ns);
int dat_writer_oom(struct dat_writer *writer, int64_t kills, int64_t limit, int64_t bytes,
                   int64_t moment_ns);

/* Gathers LIMIT; `which` is "cgroup" or "address". */
int dat_writer_limit(struct dat_writer *writer, const char *which, int64_t limit, int64_t bytes,
                     int64_t moment_ns);

/* Gathers PARTS: bytes that are anonymous, of files, shared, and swapped out. */
int dat_writer_parts(struct dat_writer *writer, const int64_t parts[4], int64_t bytes,
                     int64_t moment_ns);

/* Gathers END: the exit status, or `by_signal` the number of the signal. */
int dat_writer_end(struct dat_writer *writer, pid_t pid, bool by_signal, int number, int64_t bytes,
                   int64_t moment_ns);

/* Appends what was gathered, with one write. On an error it is dropped. */
int dat_writer_flush(struct dat_writer *writer);

/* The objects of a type. */
struct dat_type {
    const char *name; /* borrowed; longer than 1,000 bytes it is cut */
    uint64_t objects, bytes;
};

/* Appends a TYPE for each now; in a pipe, too, lines of others come between whole lines alone. */
int dat_writer_types(struct dat_writer *writer, pid_t pid, const struct dat_type *types,
                     size_t count, int64_t bytes, int64_t moment_ns);

/* Where one end of a marked call lies. */
struct dat_point {
    int64_t bytes;
    int64_t moment_ns;
};

/*
 * Append a line about a marked call now, with one write, touching nothing but the descriptor: any
 * thread may call them at any time. Names longer than 1,000 bytes are cut.
 */
int dat_writer_func(const struct dat_writer *writer, const char *name, struct dat_point begin,
                    struct dat_point end, int level);
int dat_writer_begin(const struct dat_writer *writer, const char *name, struct dat_point begin,
                     int level);

#endif
