/* What of a process is resident, by what it is for. */
#ifndef MEMPROF_RESIDENT_PARTS_H
#define MEMPROF_RESIDENT_PARTS_H

#include <stdint.h>

/* Bytes. rss is the sum of files, shared, stacks and heap. */
struct resident_parts {
    int64_t rss;
    int64_t files;     /* pages of files, also changed ones, and what programs begin with zeroed */
    int64_t shared;    /* memory that other processes may share, with no file on a disk */
    int64_t stacks;    /* of threads that could be asked where theirs is */
    int64_t heap;      /* all other memory, whoever manages it */
    int64_t heap_size; /* of those mappings, resident or not, where they can be written */
    int64_t swap;      /* bytes of all of it that were moved out */
};

#endif
