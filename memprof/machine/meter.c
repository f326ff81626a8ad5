#include "memprof/machine/meter.h"

#include <stddef.h>

#include "memprof/machine/mem_reader.h"
#include "memprof/machine/pages.h"

static int64_t read_raw(struct meter *meter)
{
    int64_t bytes;
    int error = meter->read(meter->context, &bytes);

    meter->reads++;
    if (error != 0) {
        /* The last good number shows no change. Any other would become a line's increment. */
        meter->last_error = error;
        return meter->last_good + meter->tool_bytes;
    }
    meter->last_good = bytes - meter->tool_bytes;
    return bytes;
}

/* A change was found at an event within the gate, or just outside it: the gate is too wide. */
static void learn(struct meter *meter, uint64_t gap)
{
    if (gap >= 2 * meter->gate.ticks || mem_thread_count() != 1)
        return; /* another thread may have done it: no fault of the gate */
    if (gap >= meter->gate.ticks) {
        gate_learn(&meter->gate, gap);
        return;
    }
    /* Found by an audit or a stale reading: any of the skipped events may have hidden it. */
    meter->gate_misses++;
    gate_learn(&meter->gate, meter->gate.ticks);
}

/* Events skipped since the last reading: each has counted `until_audit` down. */
static uint64_t skipped_since(const struct meter_thread *thread)
{
    /* Before the first reading the countdown has not begun. */
    if (thread->last_read == 0)
        return 0;
    /* The event that counts down to 0 is the audit: it is read, not skipped. */
    return METER_AUDIT_EVERY - thread->until_audit - (thread->until_audit == 0);
}

int64_t meter_read_now(struct meter *meter, struct meter_thread *thread, uint64_t gap)
{
    uint64_t now = thread->last_event + gap;
    int64_t bytes;

    /* Verifying costs a system call: it is done once per staleness bound, not per reading. */
    if (meter->verify != NULL && now - meter->verified > meter->gate.stale_ticks) {
        meter->verify(meter->context);
        meter->verified = now;
    }
    bytes = read_raw(meter) - meter->tool_bytes;
    /* The first reading of a thread has no reading before it to differ from. */
    if (meter->gate.ticks != 0 && thread->last_read != 0 && bytes != thread->bytes)
        learn(meter, gap);
    meter->skips += skipped_since(thread);
    thread->until_audit = METER_AUDIT_EVERY;
    thread->bytes = bytes;
    thread->arrived = now;
    /* The next gap starts here: the reading's own time is no time of the program. */
    meter_saw(meter, bytes, METER_NOW);
    thread->last_event = thread->last_read = clock_ticks();
    return bytes;
}

int64_t meter_tool_begin(struct meter *meter)
{
    return read_raw(meter);
}

void meter_tool_end(struct meter *meter, int64_t before, size_t most)
{
    /* An allocation may touch a page beyond its size at each of its ends. */
    int64_t grown = read_raw(meter) - before, bound = (int64_t)(most + 2 * pages_size());

    /* mem_thread_count() opens a file, so it is asked last. */
    if ((grown < 0 || grown > bound) && mem_thread_count() != 1)
        grown = grown < 0 ? 0 : bound;
    meter->tool_bytes += grown;
}

#define COST_TRIES 200

struct meter_costs meter_measure_costs(struct meter *meter)
{
    struct meter_costs costs;
    volatile uint64_t ticks = 0;
    int64_t bytes, start = clock_monotonic_ns(), middle;

    for (int i = 0; i < COST_TRIES; i++)
        (void)meter->read(meter->context, &bytes);
    middle = clock_monotonic_ns();
    for (int i = 0; i < COST_TRIES; i++)
        ticks = clock_ticks(); /* the rest of a skipped event is a few instructions */
    (void)ticks;
    costs.read_ns = (double)(middle - start) / COST_TRIES;
    costs.skip_ns = (double)(clock_monotonic_ns() - middle) / COST_TRIES;
    return costs;
}
