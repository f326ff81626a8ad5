/*
 * A process that is sampled: its reader, the largest sample, and the high-water mark (HWM) that
 * the kernel keeps of its resident set. What there is to write of it is said here, and written by
 * others.
 *
 * Bytes and nanoseconds; functions that return int return 0 or -errno where nothing else is said.
 */
#ifndef MEMPROF_SAMPLE_TARGET_H
#define MEMPROF_SAMPLE_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/process_tree.h"

/* How many descriptors the readers of all targets keep, and may keep. */
struct reader_budget {
    size_t kept, most;
};

struct sample_target {
    struct process_id id;
    enum mem_backend backend;
    struct mem_reader reader;
    int open;     /* the reader keeps its descriptor; else there were too many */
    int in_parts; /* `parts` are read, and add up to the sample */
    struct mem_parts parts;
    int error; /* of the newest reading */
    int ended;
    int64_t last;                 /* the newest sample, -1: none */
    int64_t largest, largest_ns;  /* of the samples */
    int64_t hwm, hwm_ns, written; /* highest HWM that counts, and what a PEAK line said */
    int64_t old_hwm;              /* the HWM counts once it is above this */
    int hwm_fd;                   /* the HWM's file, kept open; negative: none */
};

/* A target of which nothing is known yet; nothing is opened. */
void sample_target_init(struct sample_target *target, struct process_id id,
                        enum mem_backend backend);

/*
 * Opens a reader for a task of the process that still has its memory. When there are too many, it
 * is opened for each reading instead. -ESRCH: there is no such task.
 */
int sample_target_open(struct sample_target *target, struct reader_budget *budget);

/* Takes one sample; target->error says the same. -ESRCH: the process is gone. */
int sample_target_read(struct sample_target *target, int64_t now_ns, struct reader_budget *budget);

/* The process ran before: its HWM counts once it has risen. */
void sample_target_ignore_hwm(struct sample_target *target);

/* Keeps the file of the HWM open, at half the cost of a reading; without one it is as before. */
void sample_target_keep_hwm_open(struct sample_target *target);

/* Reads the HWM. 1: it stands well above what is known of the process, and a PEAK line is due. */
int sample_target_read_hwm(struct sample_target *target, int64_t now_ns);

/* The same, and sets the HWM back: `spike` is what it said since it was last set, -1: nothing. */
int sample_target_read_spike(struct sample_target *target, int64_t now_ns, int64_t *spike);

/* A HWM that was learned from elsewhere; it counts if it is higher than what was read. */
void sample_target_raise_hwm(struct sample_target *target, int64_t bytes, int64_t now_ns);

/*
 * What a PEAK line has to say: the larger of HWM and samples, and when that was. Remembers that it
 * was written. Returns 0 if there is nothing more to tell than the last one did, else 1.
 */
int sample_target_peak(struct sample_target *target, int64_t *bytes, int64_t *when_ns);

/* The process is sampled no more: closes what is open. May be called again. */
void sample_target_end(struct sample_target *target, struct reader_budget *budget);

#endif
