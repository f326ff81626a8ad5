#include "memprof/heap/address_bits.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define REGIONS_BYTES (ADDRESS_BITS_REGIONS * sizeof(void *))
#define CHUNK ((size_t)1 << 20)
/* Before what is cut from a chunk: the chunk before. A page, so that leaves begin with one. */
#define CHUNK_HEAD ((size_t)1 << 12)

int address_bits_init(struct address_bits *bits)
{
    memset(bits, 0, sizeof *bits);
    bits->regions = pages_map(REGIONS_BYTES);
    return bits->regions == NULL ? -ENOMEM : 0;
}

void address_bits_release(struct address_bits *bits)
{
    while (bits->chunk != NULL) {
        void *before = *(void **)bits->chunk;

        pages_unmap(bits->chunk, CHUNK);
        bits->chunk = before;
    }
    pages_unmap(bits->regions, REGIONS_BYTES);
    memset(bits, 0, sizeof *bits);
}

static void *cut(struct address_bits *bits, size_t size)
{
    if (bits->chunk_left < size) {
        void *chunk = pages_map(CHUNK);

        if (chunk == NULL)
            return NULL;
        *(void **)chunk = bits->chunk;
        bits->chunk = chunk;
        bits->chunk_left = CHUNK - CHUNK_HEAD;
    }
    bits->chunk_left -= size;
    return (char *)bits->chunk + CHUNK - bits->chunk_left - size;
}

struct address_leaf *address_bits_leaf(struct address_bits *bits, uint64_t at)
{
    struct address_region **region;
    struct address_leaf **leaf = NULL;

    if (!(at >> ADDRESS_BITS_SHIFT)) {
        region = &bits->regions[at >> ADDRESS_BITS_REGION_SHIFT];
        if (*region == NULL)
            *region = cut(bits, sizeof **region);
        if (*region != NULL)
            leaf = &(*region)->leaves[at >> ADDRESS_BITS_LEAF_SHIFT & (ADDRESS_BITS_LEAVES - 1)];
        if (leaf != NULL && *leaf == NULL)
            *leaf = cut(bits, sizeof **leaf);
    }
    bits->has_failed |= leaf == NULL || *leaf == NULL;
    return leaf == NULL ? NULL : *leaf;
}
