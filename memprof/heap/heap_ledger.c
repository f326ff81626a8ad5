#include "memprof/heap/heap_ledger.h"

#include <string.h>

void heap_ledger_init(struct heap_ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->climbing = true;
}

/* Where it reaches the peak again the peak is that of before, which the free sealed. */
bool heap_ledger_unfall(struct heap_ledger *ledger, size_t n)
{
    ledger->live += (int64_t)n;
    if (!ledger->climbing && ledger->live > ledger->peak)
        ledger->climbing = true;
    return !ledger->climbing;
}

void heap_ledger_put_back(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    if (heap_ledger_unfall(ledger, n))
        heap_owner_keep(owner, ledger);
    owner->freed -= n;
    owner->freed_blocks--;
}

void heap_ledger_replace(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_free(ledger, owner, n);
    ledger->n_freed_unseen++;
}

void heap_ledger_trim(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_free(ledger, owner, n);
    owner->freed_blocks--;
}

void heap_ledger_untrim(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_put_back(ledger, owner, n);
    owner->freed_blocks++;
}

void heap_owner_sums(const struct heap_owner *owner, const struct heap_ledger *ledger,
                     struct heap_sums *sums)
{
    bool has_kept = !ledger->climbing && owner->epoch == ledger->epoch;

    sums->allocated_bytes = owner->bytes;
    sums->allocations = owner->count;
    sums->left_bytes = owner->bytes - owner->freed;
    sums->left_blocks = owner->count - owner->freed_blocks;
    sums->at_peak_bytes = has_kept ? owner->kept : sums->left_bytes;
    sums->at_peak_blocks = has_kept ? owner->kept_blocks : sums->left_blocks;
}

void heap_sums_add(struct heap_sums *sums, const struct heap_sums *more)
{
    sums->allocated_bytes += more->allocated_bytes;
    sums->allocations += more->allocations;
    sums->at_peak_bytes += more->at_peak_bytes;
    sums->at_peak_blocks += more->at_peak_blocks;
    sums->left_bytes += more->left_bytes;
    sums->left_blocks += more->left_blocks;
}
