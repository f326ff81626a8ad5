/*
 * The lines of a profile file, one record each: which are read, skipped and counted is said in
 * dat_reader.h.
 */
#ifndef MEMPROF_DAT_SCAN_H
#define MEMPROF_DAT_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "memprof/profile/dat_record.h"

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
 * The same in steps, of a file that grows: dat_scanner_init(), dat_scanner_read() as often as one
 * likes, dat_scanner_end(), dat_scanner_release().
 */
struct dat_scanner {
    dat_visit *visit;
    void *context;             /* borrowed */
    struct dat_counts *counts; /* borrowed */
    uint64_t line;             /* of the file */
    char *buffer;
    size_t length, capacity;
    int passing_over; /* inside a line that is too long */
};

void dat_scanner_init(struct dat_scanner *scan, dat_visit *visit, void *context,
                      struct dat_counts *counts);

/* Visits the lines that have ended since; what follows them is kept for the next read. */
int dat_scanner_read(struct dat_scanner *scan, int fd);

/* Visits a last line without its end, where that can be trusted. */
int dat_scanner_end(struct dat_scanner *scan);

void dat_scanner_release(struct dat_scanner *scan);

#endif
