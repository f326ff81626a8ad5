#include "memprof/heap/shadow.h"

#include "memprof/machine/pages.h"

#define UNIT_SHIFT 12 /* of the maps of what was touched: pages are so large or larger */
#define GRANULE (UINT64_C(1) << SHADOW_GRANULE_SHIFT)
#define LEAF_BYTES (SHADOW_LEAF_WORDS * sizeof(shadow_word))
#define SLOTS_A_UNIT ((1 << UNIT_SHIFT) / sizeof(struct shadow_slot))
#define PART_MASK ((UINT32_C(1) << SHADOW_PART_BITS) - 1)

_Static_assert(LEAF_BYTES >> UNIT_SHIFT == 64, "a bit for each unit of a leaf");
_Static_assert(sizeof(((struct shadow_region *)0)->slots) >> UNIT_SHIFT == 64, "and of a region");
_Static_assert(sizeof(((struct shadow *)0)->regions) >> UNIT_SHIFT <= 64, "and of the table");
_Static_assert(sizeof(struct shadow) - sizeof(((struct shadow *)0)->regions) <= 1 << UNIT_SHIFT,
               "the page behind that table holds the rest");

static size_t units_of(uint64_t map)
{
    return (size_t)__builtin_popcountll(map) << UNIT_SHIFT;
}

/* The page that holds this byte is written to: counted where it was not yet. */
static void count_touched(struct shadow *shadow, _Atomic(uint64_t) *map, size_t byte)
{
    size_t units = pages_size() >> UNIT_SHIFT;
    size_t first = (byte >> UNIT_SHIFT) & ~(units - 1);
    uint64_t page = (units >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << units) - 1) << first;
    uint64_t before = atomic_fetch_or_explicit(map, page, memory_order_acq_rel);

    atomic_fetch_add_explicit(&shadow->bytes, units_of(page & ~before), memory_order_relaxed);
}

static void forget_near(struct shadow *shadow)
{
    for (size_t i = 0; i < SHADOW_NEAR; i++)
        shadow->near[i].key = SHADOW_REFUSED;
}

void shadow_remember(struct shadow *shadow, const void *address)
{
    uint64_t at = (uintptr_t)address;
    uint64_t key = at >> SHADOW_NEAR_SHIFT << SHADOW_NEAR_SHIFT;
    shadow_word *words;

    if (at & SHADOW_REFUSED || shadow_word_near(shadow, at) != NULL)
        return;
    words = shadow_word_at(shadow, key);
    if (words != NULL)
        shadow->near[at >> SHADOW_NEAR_SHIFT & (SHADOW_NEAR - 1)] =
            (struct shadow_near){key, words};
}

struct shadow *shadow_new(void)
{
    struct shadow *shadow = pages_map(sizeof *shadow);

    if (shadow == NULL)
        return NULL;
    atomic_store_explicit(&shadow->bytes, pages_size(), memory_order_relaxed);
    forget_near(shadow);
    return shadow;
}

static struct shadow_region *region_made(struct shadow *shadow, uint64_t at)
{
    size_t number = (size_t)(at >> SHADOW_REGION_SHIFT);
    struct shadow_region *region =
        atomic_load_explicit(&shadow->regions[number], memory_order_acquire);
    struct shadow_region *made;

    if (region != NULL)
        return region;
    made = pages_map(sizeof *made);
    if (made == NULL)
        return NULL;
    atomic_store_explicit(&made->touched, 0, memory_order_relaxed); /* its page is counted */
    if (!atomic_compare_exchange_strong(&shadow->regions[number], &region, made)) {
        pages_unmap(made, sizeof *made);
        return region;
    }
    count_touched(shadow, &shadow->touched, number * sizeof shadow->regions[0]);
    atomic_fetch_add_explicit(&shadow->bytes, pages_size(), memory_order_relaxed);
    return made;
}

static shadow_word *leaf_made(struct shadow *shadow, struct shadow_region *region, size_t number)
{
    struct shadow_slot *slot = &region->slots[number];
    shadow_word *leaf = atomic_load_explicit(&slot->leaf, memory_order_acquire), *made;

    if (leaf != NULL)
        return leaf;
    made = pages_map(LEAF_BYTES);
    if (made == NULL)
        return NULL;
    if (!atomic_compare_exchange_strong(&slot->leaf, &leaf, made)) {
        pages_unmap(made, LEAF_BYTES);
        return leaf;
    }
    count_touched(shadow, &region->touched, number * sizeof *slot);
    return made;
}

/* NULL: refused, or no memory. */
static shadow_word *word_made(struct shadow *shadow, uint64_t at)
{
    size_t number = (size_t)(at >> SHADOW_LEAF_SHIFT & (SHADOW_REGION_SLOTS - 1));
    size_t index = (size_t)(at >> SHADOW_GRANULE_SHIFT & (SHADOW_LEAF_WORDS - 1));
    shadow_word *word = shadow_word_at(shadow, at), *leaf;
    struct shadow_region *region;

    if (word != NULL || at & SHADOW_REFUSED)
        return word;
    region = region_made(shadow, at);
    leaf = region == NULL ? NULL : leaf_made(shadow, region, number);
    if (leaf == NULL)
        return NULL;
    count_touched(shadow, &region->slots[number].touched, index * sizeof *leaf);
    atomic_store_explicit(leaf + index, 0, memory_order_relaxed);
    return leaf + index;
}

static uint32_t word_read(const struct shadow *shadow, uint64_t at)
{
    shadow_word *word = shadow_word_at(shadow, at);

    return word == NULL ? 0 : atomic_load_explicit(word, memory_order_relaxed);
}

static void word_forget(struct shadow *shadow, uint64_t at)
{
    shadow_word *word = shadow_word_at(shadow, at);

    if (word != NULL)
        atomic_store_explicit(word, 0, memory_order_relaxed);
}

static size_t long_size(const struct shadow *shadow, uint64_t at)
{
    size_t upper = word_read(shadow, at + 2 * GRANULE) & PART_MASK;

    return upper << SHADOW_PART_BITS | (word_read(shadow, at + GRANULE) & PART_MASK);
}

uint32_t shadow_take_other(struct shadow *shadow, uint64_t at, uint32_t entry, size_t *size,
                           bool *is_code)
{
    *size = 0;
    *is_code = false;
    if (entry & SHADOW_PART)
        return 0;
    *size = long_size(shadow, at);
    *is_code = entry & SHADOW_CODE;
    for (uint64_t part = 0; part < 3; part++)
        word_forget(shadow, at + part * GRANULE);
    return entry & (SHADOW_MAX_NODES - 1);
}

/* Makes the word of an address empty: takes out the block whose entry or size stands there. */
static void make_empty(struct shadow *shadow, uint64_t at, struct shadow_unseen *unseen)
{
    uint32_t word = word_read(shadow, at);
    struct shadow_block block;

    if (word == 0)
        return;
    if (word & SHADOW_PART)
        at -= word & SHADOW_UPPER ? 2 * GRANULE : GRANULE;
    block.node = shadow_take(shadow, (const void *)(uintptr_t)at, &block.size, &block.is_code);
    unseen->blocks[unseen->n++] = block;
}

static void write_long(shadow_word *const words[3], uint32_t node, size_t size)
{
    uint32_t lower = SHADOW_PART | (uint32_t)(size & PART_MASK);
    uint32_t upper = SHADOW_PART | SHADOW_UPPER | (uint32_t)(size >> SHADOW_PART_BITS & PART_MASK);
    uint32_t entry = (uint32_t)SHADOW_LONG << SHADOW_SIZE_SHIFT | node;

    atomic_store_explicit(words[1], lower, memory_order_relaxed);
    atomic_store_explicit(words[2], upper, memory_order_relaxed);
    atomic_store_explicit(words[0], entry, memory_order_relaxed);
}

bool shadow_set_other(struct shadow *shadow, uint64_t at, uint32_t node, size_t size,
                      struct shadow_unseen *unseen)
{
    uint64_t n = size < SHADOW_LONG ? 1 : 3;
    shadow_word *words[3];

    unseen->n = 0;
    if (at & SHADOW_REFUSED)
        return false;
    for (uint64_t i = 0; i < n; i++)
        make_empty(shadow, at + i * GRANULE, unseen);
    for (uint64_t i = 0; i < n; i++) {
        words[i] = word_made(shadow, at + i * GRANULE);
        if (words[i] == NULL)
            return false;
    }
    if (n == 3)
        write_long(words, node, size);
    else
        atomic_store_explicit(words[0], (uint32_t)size << SHADOW_SIZE_SHIFT | node,
                              memory_order_relaxed);
    return true;
}

bool shadow_mark_code(struct shadow *shadow, const void *address, struct shadow_unseen *unseen)
{
    uint64_t at = (uintptr_t)address;
    shadow_word *word = word_made(shadow, at);

    unseen->n = 0;
    if (word == NULL)
        return false;
    if (atomic_load_explicit(word, memory_order_relaxed) & SHADOW_PART)
        make_empty(shadow, at, unseen);
    atomic_fetch_or_explicit(word, SHADOW_CODE, memory_order_relaxed);
    return true;
}

static void each_of_leaf(const struct shadow *shadow, uint64_t at, shadow_visit *visit,
                         void *context)
{
    struct shadow_block block;

    for (uint64_t end = at + (UINT64_C(1) << SHADOW_LEAF_SHIFT); at < end; at += GRANULE) {
        uint32_t entry = word_read(shadow, at);

        if (entry == 0 || entry & SHADOW_PART)
            continue;
        block.node = entry & (SHADOW_MAX_NODES - 1);
        block.is_code = entry & SHADOW_CODE;
        block.size = entry >> SHADOW_SIZE_SHIFT;
        if (block.size == SHADOW_LONG)
            block.size = long_size(shadow, at);
        visit(context, (const void *)(uintptr_t)at, &block);
    }
}

/* Of the slots from this one on the next whose leaf is there; SHADOW_REGION_SLOTS: none. */
static size_t next_leaf(struct shadow_region *region, size_t number)
{
    uint64_t touched = atomic_load_explicit(&region->touched, memory_order_relaxed);

    while (number < SHADOW_REGION_SLOTS) {
        if (!(touched >> (number / SLOTS_A_UNIT) & 1))
            number += SLOTS_A_UNIT;
        else if (atomic_load_explicit(&region->slots[number].leaf, memory_order_relaxed) == NULL)
            number++;
        else
            return number;
    }
    return SHADOW_REGION_SLOTS;
}

void shadow_each(const struct shadow *shadow, shadow_visit *visit, void *context)
{
    for (size_t i = 0; i < SHADOW_REGIONS; i++) {
        struct shadow_region *region = atomic_load(&shadow->regions[i]);
        uint64_t base = (uint64_t)i << SHADOW_REGION_SHIFT;

        if (region == NULL)
            continue;
        for (size_t at = next_leaf(region, 0); at < SHADOW_REGION_SLOTS;
             at = next_leaf(region, at + 1))
            each_of_leaf(shadow, base | (uint64_t)at << SHADOW_LEAF_SHIFT, visit, context);
    }
}

static void region_free(struct shadow_region *region)
{
    for (size_t at = next_leaf(region, 0); at < SHADOW_REGION_SLOTS; at = next_leaf(region, at + 1))
        pages_unmap(atomic_load(&region->slots[at].leaf), LEAF_BYTES);
    pages_unmap(region, sizeof *region);
}

void shadow_clear(struct shadow *shadow)
{
    for (size_t i = 0; i < SHADOW_REGIONS; i++) {
        struct shadow_region *region = atomic_load(&shadow->regions[i]);

        if (region == NULL)
            continue;
        region_free(region);
        atomic_store(&shadow->regions[i], NULL);
    }
    forget_near(shadow);
    atomic_store(&shadow->bytes, pages_size() + units_of(atomic_load(&shadow->touched)));
}

void shadow_free(struct shadow *shadow)
{
    if (shadow == NULL)
        return;
    shadow_clear(shadow);
    pages_unmap(shadow, sizeof *shadow);
}
