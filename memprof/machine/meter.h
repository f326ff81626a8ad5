/*
 * A meter: one kind of number (RSS, PSS, traced bytes, with or without children), read at the
 * events that the gate (gate.h) does not skip. What the tool itself grew is taken out of every
 * reading.
 *
 * Not thread-safe: callers hold one lock (the interpreter's) around every call.
 */
#ifndef MEMPROF_METER_H
#define MEMPROF_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memprof/machine/clock.h"
#include "memprof/machine/gate.h"

/* One in this many events within the gate is read all the same, to check it: an audit. */
#define METER_AUDIT_EVERY 1000

/* Where the most memory so far was found. */
enum meter_rise {
    METER_NOW,     /* by a reading: it is held now */
    METER_SINCE,   /* it was held since the reading before, while a watched line ran */
    METER_OUTSIDE, /* the same while none did */
};

struct meter {
    /* Reads now, in bytes. 0 or -errno. */
    int (*read)(void *context, int64_t *bytes);
    /* Checks that the source of readings was not tampered with; NULL: nothing to check. */
    void (*verify)(void *context);
    void *context; /* borrowed: must live as long as the meter */
    struct gate gate;
    int64_t tool_bytes;   /* growth of the tool itself, subtracted from every reading */
    int64_t last_good;    /* the last reading that succeeded, adjusted */
    int last_error;       /* of the last reading that failed; 0 when none ever did */
    uint64_t reads;       /* readings taken */
    uint64_t skips;       /* events that were skipped */
    uint64_t gate_misses; /* audits that found a change */
    uint64_t verified;    /* ticks when the source was last verified */
    int64_t highest;      /* the most so far, adjusted */
    /* Told of every rise of `highest`; calls nothing that reads this meter. NULL: nobody asks. */
    void (*rose)(struct meter *meter, enum meter_rise how);
    void *listener; /* borrowed: rose()'s own */
};

/* What one thread knows of a meter. Zero is a valid start: the first event always reads. */
struct meter_thread {
    uint64_t last_event; /* ticks; after a reading: when that was done */
    uint64_t last_read;  /* ticks; last_event where the last event was read */
    uint64_t arrived;    /* ticks before the last reading */
    int64_t bytes;       /* the last reading, adjusted by tool_bytes */
    uint32_t until_audit;
};

/* The slow half of meter_observe(): reads, learns. Always returns a number (see last_error). */
int64_t meter_read_now(struct meter *meter, struct meter_thread *thread, uint64_t gap);

/*
 * Counts this event. Returns 1 if it is skipped: thread->bytes is memory now. Returns 0 if the
 * caller must call meter_read_now(*gap). Call it once per event: it updates last_event and the
 * countdown to the next audit.
 */
static inline int meter_skip(const struct meter *meter, struct meter_thread *thread, uint64_t *gap)
{
    uint64_t now = clock_ticks();

    *gap = now - thread->last_event;
    /* Where a reading is due, a mispredicted branch is the least of what it costs. */
    if (__builtin_expect(*gap < meter->gate.ticks, 1) &&
        __builtin_expect(now - thread->last_read < meter->gate.stale_ticks, 1) &&
        __builtin_expect(--thread->until_audit != 0, 1)) {
        thread->last_event = now;
        return 1;
    }
    return 0;
}

/* Memory now, in bytes: read, or known to be unchanged since this thread's last event. */
static inline int64_t meter_observe(struct meter *meter, struct meter_thread *thread)
{
    uint64_t gap;

    return meter_skip(meter, thread, &gap) ? thread->bytes : meter_read_now(meter, thread, gap);
}

/* `bytes`, adjusted, were held: by a reading, or as the kernel says by its high-water mark. */
static inline void meter_saw(struct meter *meter, int64_t bytes, enum meter_rise how)
{
    if (__builtin_expect(bytes <= meter->highest, 1))
        return;
    meter->highest = bytes;
    if (meter->rose != NULL)
        meter->rose(meter, how);
}

/* Whether this thread's last event was read rather than skipped. */
static inline bool meter_has_read(const struct meter_thread *thread)
{
    return thread->last_read == thread->last_event;
}

/* When this thread's last event came, in ticks, before any reading that it caused. */
static inline uint64_t meter_arrival(const struct meter_thread *thread)
{
    return meter_has_read(thread) ? thread->arrived : thread->last_event;
}

/* Restarts the gap: the time since the last event was spent by the profiler itself. */
static inline void meter_rest(struct meter_thread *thread)
{
    thread->last_event = clock_ticks();
}

/* What an event costs the program just now, the interpreter's part apart, in nanoseconds. */
struct meter_costs {
    double read_ns, skip_ns;
};

/* Measures it, in less than a millisecond. */
struct meter_costs meter_measure_costs(struct meter *meter);

/*
 * Brackets memory that the tool itself allocates: begin returns a raw reading, end takes the growth
 * since `before` out of all later readings. `most` is how many bytes were allocated. If other
 * threads run, no more than that is taken out.
 */
int64_t meter_tool_begin(struct meter *meter);
void meter_tool_end(struct meter *meter, int64_t before, size_t most);

#endif
