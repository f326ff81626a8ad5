/*
 * What is alive, how much at most, and who owned it then: to the byte, in a few instructions for
 * each event, whatever the number of owners.
 *
 * The peak is the *last* instant at which what is alive reached its maximum, by an allocation.
 * While it climbs, the present is the peak. The first free seals it under a new epoch; each owner
 * saves what it has before its first change after that. So an owner has at the peak what it saved
 * in this epoch, or else what it has now.
 *
 * An owner is all zero at first. Bytes are those that were asked for. One writer at a time, and
 * none while a report is made.
 *
 * What is counted beside it from a later instant on: see alloc_span.h.
 */
#ifndef MEMPROF_HEAP_LEDGER_H
#define MEMPROF_HEAP_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The six numbers of an owner, of a line, of a process. */
struct heap_sums {
    uint64_t allocated_bytes, allocations;
    uint64_t at_peak_bytes, at_peak_blocks;
    uint64_t left_bytes, left_blocks;
};

/* Of a stack; a line of the processor's cache. What is alive is what was allocated and not freed.
 */
struct heap_owner {
    _Alignas(64) uint64_t bytes; /* that were ever allocated */
    uint64_t count;              /* allocations */
    uint64_t freed, freed_blocks;
    uint64_t kept, kept_blocks; /* alive at the peak of `epoch` */
    uint64_t epoch;
};

struct heap_ledger {
    /* Signed: a thread may free what another has allocated and not yet written down. */
    int64_t live;
    int64_t peak;                    /* while it does not climb: see heap_ledger_peak() */
    const struct heap_owner *latest; /* who allocated last */
    const struct heap_owner *raised; /* who raised it to the peak that was sealed */
    uint64_t epoch;                  /* peaks that were sealed */
    uint64_t n_freed_unseen;         /* blocks that were found gone: left was too high until then */
    bool climbing;                   /* the present is the peak */
};

/* Nothing is alive. Owners start anew with it: those of another ledger's epochs mean nothing. */
void heap_ledger_init(struct heap_ledger *ledger);

/* The most bytes that were alive at once. */
static inline int64_t heap_ledger_peak(const struct heap_ledger *ledger)
{
    return ledger->climbing ? ledger->live : ledger->peak;
}

/* Whose allocation was the peak; NULL where nothing was allocated. */
static inline const struct heap_owner *heap_ledger_raised(const struct heap_ledger *ledger)
{
    return ledger->climbing ? ledger->latest : ledger->raised;
}

/* ---- what is alive ---- */

/* n bytes more, by an allocation of the owner's. Whether owners save what they have before they
 * change. */
static inline bool heap_ledger_rise(struct heap_ledger *ledger, const struct heap_owner *owner,
                                    size_t n)
{
    ledger->latest = owner;
    ledger->live += (int64_t)n;
    if (!ledger->climbing && ledger->live >= ledger->peak)
        ledger->climbing = true;
    return !ledger->climbing;
}

/* n bytes less; owners save what they have before they change. */
static inline void heap_ledger_fall(struct heap_ledger *ledger, size_t n)
{
    if (ledger->climbing) {
        ledger->climbing = false;
        ledger->peak = ledger->live;
        ledger->raised = ledger->latest;
        ledger->epoch++;
    }
    ledger->live -= (int64_t)n;
}

/* The latest heap_ledger_rise(), of n bytes, is undone. */
static inline void heap_ledger_unrise(struct heap_ledger *ledger, size_t n)
{
    ledger->live -= (int64_t)n;
    if (ledger->climbing && ledger->live < ledger->peak)
        ledger->climbing = false;
}

/* The latest heap_ledger_fall(), of n bytes, is undone. As heap_ledger_rise(). */
bool heap_ledger_unfall(struct heap_ledger *ledger, size_t n);

/* ---- and of an owner ---- */

static inline void heap_owner_keep(struct heap_owner *owner, const struct heap_ledger *ledger)
{
    if (owner->epoch == ledger->epoch)
        return;
    owner->epoch = ledger->epoch;
    owner->kept = owner->bytes - owner->freed;
    owner->kept_blocks = owner->count - owner->freed_blocks;
}

/* Whether the owner cannot have a block of n bytes: nobody has told yet that it was allocated. */
static inline bool heap_owner_lacks(const struct heap_owner *owner, size_t n)
{
    return owner->bytes - owner->freed < n || owner->count == owner->freed_blocks;
}

/* A block of n bytes (or 0) was allocated. */
static inline void heap_ledger_alloc(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    if (heap_ledger_rise(ledger, owner, n))
        heap_owner_keep(owner, ledger);
    owner->bytes += n;
    owner->count++;
}

/* A block of the owner's, of n bytes, is freed. */
static inline void heap_ledger_free(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_fall(ledger, n);
    heap_owner_keep(owner, ledger);
    owner->freed += n;
    owner->freed_blocks++;
}

/*
 * The latest event, an allocation, is not to be counted: as if it had not been. Whether the peak
 * began to climb with it is seen from the peak before.
 */
static inline void heap_ledger_undo(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_unrise(ledger, n);
    owner->bytes -= n;
    owner->count--;
}

/*
 * A block was taken out by heap_ledger_free(), for a realloc() that then failed: it is alive again,
 * as if nothing had happened.
 */
void heap_ledger_put_back(struct heap_ledger *ledger, struct heap_owner *owner, size_t n);

/*
 * A block is found gone, its memory is another's: it counts as freed now, before the other is
 * allocated, and stands in n_freed_unseen.
 */
void heap_ledger_replace(struct heap_ledger *ledger, struct heap_owner *owner, size_t n);

/* A part of n bytes of a block of the owner's is gone, or back where that failed: the block is
 * still one. */
void heap_ledger_trim(struct heap_ledger *ledger, struct heap_owner *owner, size_t n);
void heap_ledger_untrim(struct heap_ledger *ledger, struct heap_owner *owner, size_t n);

/* The numbers of an owner now. */
void heap_owner_sums(const struct heap_owner *owner, const struct heap_ledger *ledger,
                     struct heap_sums *sums);

/* sums += more. */
void heap_sums_add(struct heap_sums *sums, const struct heap_sums *more);

#endif
