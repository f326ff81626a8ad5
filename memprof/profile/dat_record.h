/*
 * One line of a profile file as a record; dat_writer.h says what the lines are. All facts are also
 * understood as they were before they became comments ("PEAK pid memory moment"). Lines of other
 * programs and times are hostile until proven otherwise: whatever the bytes, a line is a record,
 * has an unknown keyword, or is broken.
 */
#ifndef MEMPROF_DAT_RECORD_H
#define MEMPROF_DAT_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum dat_kind {
    DAT_UNKNOWN, /* another keyword */
    DAT_BROKEN,  /* a known keyword, but not what belongs behind it */
    DAT_CMDLINE, /* text */
    DAT_RUN,     /* pid, value: the interval; text: backend, ' ' or '/', how; moment */
    DAT_MEM,     /* memory, moment */
    DAT_CHLD,    /* pid, memory, moment */
    DAT_FUNC,    /* text: name; memory, moment, memory_end, moment_end, level */
    DAT_BEGIN,   /* text: name; memory, moment, level */
    DAT_PEAK,    /* pid, memory, moment */
    DAT_SPIKE,   /* pid, memory, moment */
    DAT_STEP,    /* value: seconds; moment */
    DAT_MISSED,  /* value: count; moment */
    DAT_OOM,     /* value: kills; limit: bytes; memory, moment */
    DAT_LIMIT,   /* text: which; limit: bytes; memory, moment */
    DAT_PARTS,   /* parts: MiB; memory, moment */
    DAT_TYPE,    /* pid; text: name; objects, bytes; memory, moment */
    DAT_END,     /* pid; text: "exit" or "signal"; value: its number; memory, moment */
};

/* Memory in MiB, moments in seconds since the epoch, all finite; what the kind lacks is 0. */
struct dat_record {
    enum dat_kind kind;
    const char *text; /* borrowed from the line; `length` bytes, any but '\n'; names as they were */
    size_t length;
    int64_t pid, limit, objects, bytes;
    double value, memory, moment, memory_end, moment_end;
    double parts[4];   /* anonymous, file, shared, swap */
    int level;         /* -1: not recorded */
    uint64_t line;     /* its number in the file, from 1: set by dat_scan() */
    int last_decimals; /* how many decimals the last number of the line has */
};

/* Reads a line, without its '\n'. Its name is put back into what it was, where it stands. */
void dat_record_parse(char *line, size_t length, struct dat_record *record);

/*
 * The name as a record has it, of one that is to be written: blanks of all kinds are the same
 * there. In place; returns its length, which is not larger.
 */
size_t dat_record_plain_name(char *name, size_t length);

#endif
