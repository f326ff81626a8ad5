/*
 * A set of addresses, for a walk over a heap: a bit for each 16 bytes (no two objects begin in the
 * same 16, since none is smaller). Memory is past malloc(): 32 KiB for each 4 MiB where an address
 * is, 16 KiB more where addresses are numbered, 64 KiB for each 16 GiB, 128 KiB; of each only the
 * pages that were touched are resident.
 *
 * Threads: one user at a time.
 */
#ifndef MEMPROF_ADDRESS_BITS_H
#define MEMPROF_ADDRESS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_BITS_GRANULE_SHIFT 4
#define ADDRESS_BITS_LEAF_SHIFT 22
#define ADDRESS_BITS_REGION_SHIFT 34
#define ADDRESS_BITS_SHIFT 48 /* addresses are below 2^48 */
#define ADDRESS_BITS_WORDS (1 << (ADDRESS_BITS_LEAF_SHIFT - ADDRESS_BITS_GRANULE_SHIFT - 6))
#define ADDRESS_BITS_LEAVES (1 << (ADDRESS_BITS_REGION_SHIFT - ADDRESS_BITS_LEAF_SHIFT))
#define ADDRESS_BITS_REGIONS (1 << (ADDRESS_BITS_SHIFT - ADDRESS_BITS_REGION_SHIFT))

/* Of 4 MiB of addresses. */
struct address_leaf {
    uint64_t words[ADDRESS_BITS_WORDS];
};

/* How many addresses are before each word of a leaf, in all. */
struct address_numbers {
    uint32_t before[ADDRESS_BITS_WORDS];
};

/* Of 16 GiB. */
struct address_region {
    struct address_leaf *leaves[ADDRESS_BITS_LEAVES];
    struct address_numbers *numbers[ADDRESS_BITS_LEAVES]; /* NULL before they are numbered */
};

/* Where a leaf begins. */
struct address_place {
    uint64_t at;
    const struct address_leaf *leaf;
    const struct address_numbers *numbers;
};

/* Leaves and regions are cut from chunks, each of which leads to the one before. */
struct address_bits {
    struct address_region **regions; /* owned, as all below */
    void *chunk;
    size_t chunk_left;            /* bytes */
    uint32_t n_leaves;            /* in all */
    bool has_failed;              /* an address was refused, or there was no memory for it */
    struct address_place *places; /* of all leaves, in order; NULL before they are numbered */
};

/* 0 or -ENOMEM. Release it with address_bits_release(). */
int address_bits_init(struct address_bits *bits);
void address_bits_release(struct address_bits *bits);

/* The leaf of an address, made where it is missing; NULL (has_failed) without memory, or for an
 * address of 2^48 or more. */
struct address_leaf *address_bits_leaf(struct address_bits *bits, uint64_t at);

static inline struct address_leaf *address_bits_find(const struct address_bits *bits, uint64_t at)
{
    struct address_region *region;

    if (at >> ADDRESS_BITS_SHIFT)
        return NULL;
    region = bits->regions[at >> ADDRESS_BITS_REGION_SHIFT];
    return region == NULL
               ? NULL
               : region->leaves[at >> ADDRESS_BITS_LEAF_SHIFT & (ADDRESS_BITS_LEAVES - 1)];
}

/* Whether the address was not there; it is afterwards. False with has_failed, too. */
static inline bool address_bits_add(struct address_bits *bits, const void *address)
{
    uint64_t at = (uintptr_t)address, mask, *word;
    struct address_leaf *leaf = address_bits_find(bits, at);

    if (__builtin_expect(leaf == NULL, 0)) {
        leaf = address_bits_leaf(bits, at);
        if (leaf == NULL)
            return false;
    }
    word = &leaf->words[at >> (ADDRESS_BITS_GRANULE_SHIFT + 6) & (ADDRESS_BITS_WORDS - 1)];
    mask = UINT64_C(1) << (at >> ADDRESS_BITS_GRANULE_SHIFT & 63);
    if (*word & mask)
        return false;
    *word |= mask;
    return true;
}

static inline bool address_bits_has(const struct address_bits *bits, const void *address)
{
    uint64_t at = (uintptr_t)address;
    const struct address_leaf *leaf = address_bits_find(bits, at);

    return leaf != NULL &&
           leaf->words[at >> (ADDRESS_BITS_GRANULE_SHIFT + 6) & (ADDRESS_BITS_WORDS - 1)] >>
                   (at >> ADDRESS_BITS_GRANULE_SHIFT & 63) &
               1;
}

/* The address is there no more; nothing where it was not. */
static inline void address_bits_remove(struct address_bits *bits, const void *address)
{
    uint64_t at = (uintptr_t)address;
    struct address_leaf *leaf = address_bits_find(bits, at);

    if (leaf != NULL)
        leaf->words[at >> (ADDRESS_BITS_GRANULE_SHIFT + 6) & (ADDRESS_BITS_WORDS - 1)] &=
            ~(UINT64_C(1) << (at >> ADDRESS_BITS_GRANULE_SHIFT & 63));
}

/* ---- numbers ---- */

#define ADDRESS_BITS_NONE UINT32_MAX

/* From 0 on in the order of addresses, once; from here on the set stays as it is. How many there
 * are, in `n`: 0, or -ENOMEM (for 2^32 - 1 or more, too). */
int address_bits_number(struct address_bits *bits, uint32_t *n);

/* Each in that order, by visit(address, context), until it returns other than 0: that. */
int address_bits_each(const struct address_bits *bits, int (*visit)(const void *, void *),
                      void *context);

/* That of a number below n; NULL of any other. */
const void *address_bits_nth(const struct address_bits *bits, uint32_t number);

/* ADDRESS_BITS_NONE where it is not there. */
static inline uint32_t address_bits_number_of(const struct address_bits *bits, const void *address)
{
    uint64_t at = (uintptr_t)address, word, above, i;
    const struct address_region *region;
    const struct address_leaf *leaf;

    if (at >> ADDRESS_BITS_SHIFT)
        return ADDRESS_BITS_NONE;
    region = bits->regions[at >> ADDRESS_BITS_REGION_SHIFT];
    if (region == NULL)
        return ADDRESS_BITS_NONE;
    i = at >> ADDRESS_BITS_LEAF_SHIFT & (ADDRESS_BITS_LEAVES - 1);
    leaf = region->leaves[i];
    if (leaf == NULL)
        return ADDRESS_BITS_NONE;
    word = at >> (ADDRESS_BITS_GRANULE_SHIFT + 6) & (ADDRESS_BITS_WORDS - 1);
    above = leaf->words[word] << (63 - (at >> ADDRESS_BITS_GRANULE_SHIFT & 63));
    if (!(above >> 63))
        return ADDRESS_BITS_NONE;
    return region->numbers[i]->before[word] + (uint32_t)__builtin_popcountll(above) - 1;
}

#endif
