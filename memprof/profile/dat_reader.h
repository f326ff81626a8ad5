/*
 * Reads profile files: those of dat_writer.h, of memory_profiler, and whatever somebody takes for
 * one. Lines with unknown keywords, lines that were torn or cut short and numbers that are none
 * (nan, inf, more than 18 digits, exponents) are skipped and counted. A read needs one buffer and
 * no seeking, so pipes are as good as files.
 *
 * A last line without '\n' is accepted only if its last number has at least four decimals, as all
 * moments have. With fewer, the write was cut off inside the moment.
 *
 * Functions return 0 or -errno: that of the file, or -ENOMEM. A file without any records is no
 * error here.
 */
#ifndef MEMPROF_DAT_READER_H
#define MEMPROF_DAT_READER_H

#include "memprof/profile/dat_record.h"
#include "memprof/profile/profile.h"
#include "memprof/profile/sample_buckets.h"

/* Lines longer than this many bytes are broken; their rest is passed over. */
#define DAT_LINE_LIMIT (1 << 24)

struct dat_counts {
    uint64_t lines;   /* without empty ones */
    uint64_t unknown; /* keyword not known */
    uint64_t broken;  /* torn, cut short, not numbers, too long */
};

/*
 * Gets one record, never DAT_UNKNOWN or DAT_BROKEN. The record and its text are borrowed until the
 * return. A return value other than 0 ends the scan and becomes its result.
 */
typedef int dat_visit(void *context, const struct dat_record *record);

/* Reads to the end and calls `visit` for each record, with no more memory than the longest line. */
int dat_scan(int fd, dat_visit *visit, void *context, struct dat_counts *counts);

/*
 * Reads all records into `profile`, which need not be initialised. The caller must release it by
 * profile_release(), also after an error. Each sample takes 16 bytes.
 */
int dat_read(int fd, struct profile *profile);

/*
 * As dat_read(), but of each series of samples, peaks and spikes only the largest is kept, and of
 * all spans only the one with the most memory, without a name: whatever the length of the file,
 * little memory.
 */
int dat_read_largest(int fd, struct profile *profile);

/*
 * dat_read() for drawing: long series are thinned to sample_buckets.h, within `window`, which is in
 * seconds from the first sample.
 */
int dat_read_thinned(int fd, const struct sample_window *window, struct profile *profile);

/* dat_read() of the file at `path`; "-" is an ordinary name. */
int dat_read_path(const char *path, struct profile *profile);

#endif
