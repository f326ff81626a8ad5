#include "memprof/heap/heap_ledger.h"

#include <string.h>

void heap_ledger_init(struct heap_ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->climbing = true;
}

/* Where it reaches the peak again the peak is that of before, which the free sealed. */
void heap_ledger_put_back(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    ledger->live += n;
    ledger->live_blocks++;
    if (ledger->live > ledger->peak)
        heap_ledger_climb(ledger);
    else
        heap_owner_keep(owner, ledger);
    owner->live += n;
    owner->live_blocks++;
}

void heap_ledger_replace(struct heap_ledger *ledger, struct heap_owner *owner, size_t n)
{
    heap_ledger_free(ledger, owner, n);
    ledger->n_freed_unseen++;
}

void heap_ledger_begin_span(struct heap_ledger *ledger)
{
    heap_ledger_climb(ledger);
}

void heap_owner_sums(const struct heap_owner *owner, const struct heap_ledger *ledger,
                     struct heap_sums *sums)
{
    bool has_kept = !ledger->climbing && owner->epoch == ledger->epoch;

    sums->allocated_bytes = owner->bytes;
    sums->allocations = owner->count;
    sums->at_peak_bytes = has_kept ? owner->kept : owner->live;
    sums->at_peak_blocks = has_kept ? owner->kept_blocks : owner->live_blocks;
    sums->left_bytes = owner->live;
    sums->left_blocks = owner->live_blocks;
}

void heap_ledger_sums(const struct heap_ledger *ledger, struct heap_sums *sums)
{
    sums->allocated_bytes = ledger->bytes;
    sums->allocations = ledger->count;
    sums->at_peak_bytes = ledger->peak;
    sums->at_peak_blocks = ledger->peak_blocks;
    sums->left_bytes = ledger->live;
    sums->left_blocks = ledger->live_blocks;
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
