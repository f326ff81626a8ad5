/*
 * How much memory a process holds now. One reader per process and kind of number; a reader of this
 * process keeps its source open, so that reading costs one system call.
 *
 * The order of calls: mem_reader_init(), then mem_reader_read() any number of times, with
 * mem_reader_verify() where the program may have touched our descriptor, then mem_reader_release().
 *
 * Threads, here and in the whole room: one object is used by one thread at a time, unless its
 * header says otherwise. Different objects are independent of each other.
 *
 * Units are bytes. Functions return 0 or -errno: -ESRCH the process is gone (or a zombie), -EACCES
 * it belongs to someone else, -ENOSYS the number does not exist on this system, -ENOENT no /proc.
 */
#ifndef MEMPROF_MEM_READER_H
#define MEMPROF_MEM_READER_H

#include <stdint.h>
#include <sys/types.h>

#include "memprof/machine/mem_backend.h"
#include "memprof/machine/guarded_fd.h"

struct mem_reader {
    pid_t pid; /* 0: this process, whoever that is after a fork */
    enum mem_backend backend;
    int fd;                              /* -1: nothing open */
    struct guarded_fd file;              /* what fd referred to when it was opened */
    const volatile unsigned char *alive; /* owned; reads 1 where fd was opened, 0 after fork */
};

/* Opens the reader. `pid` 0 means this process, and follows it through fork. */
int mem_reader_init(struct mem_reader *reader, pid_t pid, enum mem_backend backend);

/* Closes what is still the reader's own until the next reading, which opens it again. */
void mem_reader_rest(struct mem_reader *reader);

/* Forgets the process and closes what is still the reader's own. */
void mem_reader_release(struct mem_reader *reader);

/* Reads now. Opens again what a fork, an exec of the target or a stranger's close() took away. */
int mem_reader_read(struct mem_reader *reader, int64_t *bytes);

/*
 * Makes sure that the descriptor is still the one that was opened: the program under measurement
 * may have closed every descriptor and opened a file of its own under the same number.
 */
void mem_reader_verify(struct mem_reader *reader);

/* The HWM: the largest resident set since exec, or since it was set back. -ESRCH for a zombie. */
int mem_peak_read(pid_t pid, int64_t *bytes);

/*
 * The same by a file that stays open, at half the cost. mem_peak_open() returns its descriptor, or
 * -errno (-ENOSYS: the system has no such file).
 */
int mem_peak_open(pid_t pid);
int mem_peak_read_open(int fd, int64_t *bytes);

/*
 * What a process holds, by what it is. The first three are its resident set; what of a shared
 * mapping was moved out counts nowhere.
 */
struct mem_parts {
    int64_t anonymous, file, shared, swap;
};

/*
 * Reads the parts, all at one moment. -ESRCH for a zombie, -ENOSYS: the system does not tell them
 * (Linux before 4.5). The second reads what mem_peak_open() has opened, at half the cost.
 */
int mem_parts_read(pid_t pid, struct mem_parts *parts);
int mem_parts_read_open(int fd, struct mem_parts *parts);

/* Sets the HWM back to what is resident now. -EACCES or -ENOSYS where that cannot be done. */
int mem_peak_reset(pid_t pid);

/*
 * By how many bytes a MEM_RSS reading can be wrong: the kernel counts pages in batches. 0 where
 * statm is exact (Linux 6.16 and later), and on macOS.
 */
int64_t mem_resolution(void);

/* Threads of this process now, or -errno. */
int mem_thread_count(void);

#endif
