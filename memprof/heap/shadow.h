/*
 * Which node each live block has: a table beside the heap, four bytes for each 16 bytes of it (a
 * granule). The word of a block's first granule is its entry:
 *
 *     bit 31      0; 1: no entry, but 30 bits of the size of the block before (`SHADOW_PART`), of
 *                 which bit 30 says whether they are the upper ones (`SHADOW_UPPER`)
 *     bits 22-30  the size; 511 (`SHADOW_LONG`): it stands in the words of the next two granules
 *     bit 21      the block is that of a code object
 *     bits 0-20   the node; 0 with bit 21: a code object's block that nobody saw allocated
 *
 * A block of 511 bytes or more has at least 32 granules, so the two words are its own. That they
 * differ from entries is what makes a stale one known: a block whose free nobody saw (an allocator
 * that is not watched gave its memory to another block) is found when its first three granules are
 * set again, and is handed out then.
 *
 * Memory: 256 KiB of addresses for each MiB where a block was (a leaf), 256 KiB for each 16 GiB (a
 * region), 128 KiB; of each only what was touched is resident. No large reservation: a program may
 * set its own RLIMIT_AS, and finds its room as it would without us.
 *
 * Threads: no lock. A block belongs to who allocated it until it is freed, and so do its words;
 * leaves come by compare-and-swap. shadow_clear(), shadow_free() and shadow_each() want no other
 * user at the time.
 *
 * Places that were used lately are at hand (near): for one user at a time, who says so by the names
 * of functions.
 *
 * Refused (false, or node 0) is an address that is not a multiple of 16, or above 2^48.
 */
#ifndef MEMPROF_SHADOW_H
#define MEMPROF_SHADOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHADOW_MAX_NODES (UINT32_C(1) << 21) /* nodes are below */
#define SHADOW_CODE (UINT32_C(1) << 21)
#define SHADOW_SIZE_SHIFT 22
#define SHADOW_LONG 511
#define SHADOW_PART (UINT32_C(1) << 31)
#define SHADOW_UPPER (UINT32_C(1) << 30)
#define SHADOW_PART_BITS 30

#define SHADOW_GRANULE_SHIFT 4
#define SHADOW_LEAF_SHIFT 20
#define SHADOW_REGION_SHIFT 34
#define SHADOW_ADDRESS_BITS 48
#define SHADOW_LEAF_WORDS (1 << (SHADOW_LEAF_SHIFT - SHADOW_GRANULE_SHIFT))
#define SHADOW_REGION_SLOTS (1 << (SHADOW_REGION_SHIFT - SHADOW_LEAF_SHIFT))
#define SHADOW_REGIONS (1 << (SHADOW_ADDRESS_BITS - SHADOW_REGION_SHIFT))
#define SHADOW_PAGE_WORDS_SHIFT 10 /* words of 4 KiB */
#define SHADOW_NEAR 128
#define SHADOW_NEAR_SHIFT (SHADOW_PAGE_WORDS_SHIFT + SHADOW_GRANULE_SHIFT)
#define SHADOW_NEAR_WORDS (1 << SHADOW_PAGE_WORDS_SHIFT)
/* Bits that no address has. */
#define SHADOW_REFUSED (~UINT64_C(0) << SHADOW_ADDRESS_BITS | 15)

typedef _Atomic(uint32_t) shadow_word;

/* Of one MiB. */
struct shadow_slot {
    _Atomic(shadow_word *) leaf; /* owned; NULL: none yet */
    _Atomic(uint64_t) touched;   /* a bit for each 4 KiB of the leaf that was written to */
};

/* Of 16 GiB. */
struct shadow_region {
    struct shadow_slot slots[SHADOW_REGION_SLOTS];
    _Atomic(uint64_t) touched; /* a bit for each 4 KiB of slots */
};

/* Where the words of 16 KiB of addresses are, all of which may be written to. */
struct shadow_near {
    uint64_t key; /* the first of these addresses; else one that is none */
    shadow_word *words;
};

struct shadow {
    _Atomic(struct shadow_region *) regions[SHADOW_REGIONS]; /* owned */
    _Atomic(uint64_t) touched;                               /* a bit for each 4 KiB of regions */
    _Atomic(size_t) bytes;
    struct shadow_near near[SHADOW_NEAR]; /* by the address; in the page of `bytes` */
};

struct shadow_block {
    size_t size;   /* bytes; 0 where nobody saw it allocated */
    uint32_t node; /* 0: nobody saw it allocated, and it is a code object's */
    bool is_code;
};

/* Blocks that are gone although nobody saw them freed. */
struct shadow_unseen {
    int n; /* mostly 0 */
    struct shadow_block blocks[3];
};

/* NULL without memory. */
struct shadow *shadow_new(void);
void shadow_free(struct shadow *shadow); /* NULL is nothing */

/* Forgets all blocks and gives their memory back, as a forked child does. */
void shadow_clear(struct shadow *shadow);

/* Bytes of the table that are resident, exactly (words are read only where they were written). */
static inline size_t shadow_bytes(const struct shadow *shadow)
{
    return atomic_load_explicit(&shadow->bytes, memory_order_relaxed);
}

/* Calls visit for each block, in order of address. */
typedef void shadow_visit(void *context, const void *address, const struct shadow_block *block);
void shadow_each(const struct shadow *shadow, shadow_visit *visit, void *context);

/* The word of an address that may have been written to, or NULL: then it is 0. */
static inline shadow_word *shadow_word_at(const struct shadow *shadow, uint64_t at)
{
    struct shadow_region *region;
    struct shadow_slot *slot;
    uint64_t word = at >> SHADOW_GRANULE_SHIFT & (SHADOW_LEAF_WORDS - 1);
    uint64_t touched;

    if (at & SHADOW_REFUSED)
        return NULL;
    region =
        atomic_load_explicit(&shadow->regions[at >> SHADOW_REGION_SHIFT], memory_order_acquire);
    if (region == NULL)
        return NULL;
    slot = &region->slots[at >> SHADOW_LEAF_SHIFT & (SHADOW_REGION_SLOTS - 1)];
    touched = atomic_load_explicit(&slot->touched, memory_order_acquire);
    if (!(touched >> (word >> SHADOW_PAGE_WORDS_SHIFT) & 1))
        return NULL;
    return atomic_load_explicit(&slot->leaf, memory_order_relaxed) + word;
}

/* The word of an address, where that is at hand, or NULL: see shadow_remember(). */
static inline shadow_word *shadow_word_near(const struct shadow *shadow, uint64_t at)
{
    const struct shadow_near *near = &shadow->near[at >> SHADOW_NEAR_SHIFT & (SHADOW_NEAR - 1)];
    uint64_t place = (uint64_t)(SHADOW_NEAR_WORDS - 1) << SHADOW_GRANULE_SHIFT;

    if (near->key != (at & ~place)) /* the lowest four bits are in there, too */
        return NULL;
    return near->words + ((at & place) >> SHADOW_GRANULE_SHIFT);
}

/* Has the word of an address at hand from now on, if it may be written to. */
void shadow_remember(struct shadow *shadow, const void *address);

/* Whatever is not a short block in a place that is touched and empty. */
bool shadow_set_other(struct shadow *shadow, uint64_t at, uint32_t node, size_t size,
                      struct shadow_unseen *unseen);

/* An entry with a long size, or a part: see shadow_take(). */
uint32_t shadow_take_other(struct shadow *shadow, uint64_t at, uint32_t entry, size_t *size,
                           bool *is_code);

/*
 * A block was allocated: its node (1 to SHADOW_MAX_NODES - 1) and the size that was asked for, in
 * bytes (below 2^60). *unseen says which blocks stood in its way: their frees were not seen, they
 * happened before this. False: address refused or no memory for a leaf, the block is not followed
 * (*unseen holds also then).
 */
static inline bool shadow_set(struct shadow *shadow, const void *address, uint32_t node,
                              size_t size, struct shadow_unseen *unseen)
{
    uint64_t at = (uintptr_t)address;
    shadow_word *word = shadow_word_at(shadow, at);

    unseen->n = 0;
    if (word == NULL || size >= SHADOW_LONG ||
        atomic_load_explicit(word, memory_order_relaxed) != 0)
        return shadow_set_other(shadow, at, node, size, unseen);
    atomic_store_explicit(word, (uint32_t)size << SHADOW_SIZE_SHIFT | node, memory_order_relaxed);
    return true;
}

/*
 * A block is freed: its node, or 0 where nobody saw it allocated. Writes its size (0 then) and
 * whether it was marked as a code object's (also where the node is 0), and forgets it.
 */
static inline uint32_t shadow_take(struct shadow *shadow, const void *address, size_t *size,
                                   bool *is_code)
{
    uint64_t at = (uintptr_t)address;
    shadow_word *word = shadow_word_at(shadow, at);
    uint32_t entry = word == NULL ? 0 : atomic_load_explicit(word, memory_order_relaxed);

    *size = entry >> SHADOW_SIZE_SHIFT;
    *is_code = entry & SHADOW_CODE;
    if (*size >= SHADOW_LONG) /* a part, too */
        return shadow_take_other(shadow, at, entry, size, is_code);
    if (entry != 0)
        atomic_store_explicit(word, 0, memory_order_relaxed);
    return entry & (SHADOW_MAX_NODES - 1);
}

/* The node of a block, or 0; nothing changes. */
static inline uint32_t shadow_peek(const struct shadow *shadow, const void *address)
{
    shadow_word *word = shadow_word_at(shadow, (uintptr_t)address);
    uint32_t entry = word == NULL ? 0 : atomic_load_explicit(word, memory_order_relaxed);

    return entry & SHADOW_PART ? 0 : entry & (SHADOW_MAX_NODES - 1);
}

/*
 * The block is a code object's: shadow_take() is to say so. False: address refused or no memory.
 * *unseen as in shadow_set(), where it was not known before; else none.
 */
bool shadow_mark_code(struct shadow *shadow, const void *address, struct shadow_unseen *unseen);

#endif
