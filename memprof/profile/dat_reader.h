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

#include "memprof/profile/dat_scan.h"
#include "memprof/profile/profile.h"
#include "memprof/profile/sample_buckets.h"

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

/*
 * Follows a file that grows: what dat_read_thinned() makes of it, piece by piece, and no byte is
 * read twice. `profile` need not be initialised, and is the caller's to release. NULL: no memory.
 */
struct dat_follower *dat_follower_new(struct profile *profile);
void dat_follower_free(struct dat_follower *follower);

/* Reads what has been added since; lines without their end are left for the next time. */
int dat_follower_read(struct dat_follower *follower, int fd);

/* Finishes the profile: nothing can be read any more. The error of a read before, too. */
int dat_follower_finish(struct dat_follower *follower);

/* dat_read() of the file at `path`; "-" is an ordinary name. */
int dat_read_path(const char *path, struct profile *profile);

#endif
