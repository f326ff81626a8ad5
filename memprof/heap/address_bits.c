#include "memprof/heap/address_bits.h"

#include <errno.h>
#include <string.h>

#include "memprof/machine/pages.h"

#define REGIONS_BYTES (ADDRESS_BITS_REGIONS * sizeof(void *))
#define CHUNK ((size_t)1 << 20)
/* Before what is cut from a chunk: the chunk before. A page, so that leaves begin with one. */
#define CHUNK_HEAD ((size_t)1 << 12)

static size_t places_bytes(const struct address_bits *bits)
{
    return ((size_t)bits->n_leaves + 1) * sizeof *bits->places;
}

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
    pages_unmap(bits->places, places_bytes(bits));
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
        if (leaf != NULL && *leaf == NULL) {
            *leaf = cut(bits, sizeof **leaf);
            bits->n_leaves += *leaf != NULL;
        }
    }
    bits->has_failed |= leaf == NULL || *leaf == NULL;
    return leaf == NULL ? NULL : *leaf;
}

/* ---- numbers ---- */

/* Those of a region, which begins at `at`; -ENOMEM. */
static int number_region(struct address_bits *bits, struct address_region *region, uint64_t at,
                         uint32_t *n_places, uint64_t *n)
{
    for (int i = 0; i < ADDRESS_BITS_LEAVES; i++, at += UINT64_C(1) << ADDRESS_BITS_LEAF_SHIFT) {
        const struct address_leaf *leaf = region->leaves[i];
        struct address_numbers *numbers;

        if (leaf == NULL)
            continue;
        numbers = region->numbers[i] = cut(bits, sizeof *numbers);
        if (numbers == NULL)
            return -ENOMEM;
        bits->places[(*n_places)++] = (struct address_place){at, leaf, numbers};
        for (int word = 0; word < ADDRESS_BITS_WORDS; word++) {
            numbers->before[word] = (uint32_t)*n;
            *n += (uint64_t)__builtin_popcountll(leaf->words[word]);
        }
        if (*n >= ADDRESS_BITS_NONE)
            return -ENOMEM;
    }
    return 0;
}

int address_bits_number(struct address_bits *bits, uint32_t *n)
{
    uint32_t n_places = 0;
    uint64_t n_all = 0;
    int error = 0;

    bits->places = pages_map(places_bytes(bits));
    if (bits->places == NULL)
        return -ENOMEM;
    for (uint64_t i = 0; error == 0 && i < ADDRESS_BITS_REGIONS; i++)
        if (bits->regions[i] != NULL)
            error = number_region(bits, bits->regions[i], i << ADDRESS_BITS_REGION_SHIFT, &n_places,
                                  &n_all);
    *n = (uint32_t)n_all;
    return error;
}

static const void *address_in(const struct address_place *place, int word, int bit)
{
    uint64_t granule = (uint64_t)word * 64 + (uint64_t)bit;

    return (const void *)(uintptr_t)(place->at + (granule << ADDRESS_BITS_GRANULE_SHIFT));
}

int address_bits_each(const struct address_bits *bits, int (*visit)(const void *, void *),
                      void *context)
{
    int stop = 0;

    for (uint32_t i = 0; stop == 0 && i < bits->n_leaves; i++) {
        const struct address_place *place = &bits->places[i];

        for (int word = 0; stop == 0 && word < ADDRESS_BITS_WORDS; word++)
            for (uint64_t left = place->leaf->words[word]; stop == 0 && left != 0; left &= left - 1)
                stop = visit(address_in(place, word, __builtin_ctzll(left)), context);
    }
    return stop;
}

/* The last of the leaves that begins with this number, or a lower one; of none NULL. */
static const struct address_place *place_of(const struct address_bits *bits, uint32_t number)
{
    uint32_t low = 0, high = bits->n_leaves;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (bits->places[middle].numbers->before[0] <= number)
            low = middle;
        else
            high = middle;
    }
    return bits->n_leaves == 0 ? NULL : &bits->places[low];
}

/* The last word of a leaf that begins with this number, or a lower one. */
static int word_of(const struct address_numbers *numbers, uint32_t number)
{
    int word = 0;

    for (int step = ADDRESS_BITS_WORDS / 2; step > 0; step /= 2)
        word += numbers->before[word + step] <= number ? step : 0;
    return word;
}

const void *address_bits_nth(const struct address_bits *bits, uint32_t number)
{
    const struct address_place *place = place_of(bits, number);
    int word = place == NULL ? 0 : word_of(place->numbers, number);
    uint64_t there = place == NULL ? 0 : place->leaf->words[word];

    if (there != 0)
        for (uint32_t left = number - place->numbers->before[word]; left > 0 && there != 0; left--)
            there &= there - 1;
    return there == 0 ? NULL : address_in(place, word, __builtin_ctzll(there));
}
