#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>

#include "memprof/machine/got_patch.h"

static void *(*real_malloc)(size_t);
static void (*real_free)(void *);
static size_t asked, freed; /* bytes by our malloc(), calls of our free() */

static void *our_malloc(size_t size)
{
    asked += size;
    return real_malloc(size);
}

static void our_free(void *block)
{
    freed += block != NULL;
    real_free(block);
}

static struct got_name names[2];

/*
 * A program at a fixed address has a stub for what it takes the address of, and all data that holds
 * the address has that of the stub: who calls it is seen as soon as the program is patched.
 */
static void *(*volatile taken)(size_t);
static bool has_stub;
static int slots_of_library = 3;

/* What the library calls while it is relocated. */
extern void (*got_meanwhile)(void);
__attribute__((visibility("default"))) void (*got_meanwhile)(void);

/* Through the slot, and no compiler may know what it is. */
static __attribute__((noinline)) void *allocate(size_t size)
{
    void *block = malloc(size);

    __asm__ volatile("" : : "r"(block) : "memory");
    return block;
}

static int set_up(void **state)
{
    (void)state;
    taken = malloc;
    *(void **)&real_malloc = got_original("malloc");
    *(void **)&real_free = got_original("free");
    has_stub = taken != real_malloc;
    if (has_stub)
        slots_of_library = 2; /* its pointer leads to the stub */
    names[0] = (struct got_name){"malloc", (void *)(uintptr_t)our_malloc, NULL};
    names[1] = (struct got_name){"free", (void *)(uintptr_t)our_free, NULL};
    names[0].original = (void *)(uintptr_t)real_malloc;
    names[1].original = (void *)(uintptr_t)real_free;
    return real_malloc == NULL || real_free == NULL;
}

/* The line of /proc/self/maps that an address is in: how it may be accessed. */
static void permissions_of(const void *address, char permissions[5])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long low, high;
    char line[512];

    assert_non_null(maps);
    strcpy(permissions, "none");
    while (fgets(line, sizeof line, maps) != NULL) {
        char found[5];

        if (sscanf(line, "%lx-%lx %4s", &low, &high, found) == 3 && (uintptr_t)address >= low &&
            (uintptr_t)address < high)
            strcpy(permissions, found);
    }
    fclose(maps);
}

static void test_calls_of_the_program_are_seen_until_the_restore(void **state)
{
    struct got_patch patch = {0};
    int n = got_patch_all(&patch, names, 2, NULL);
    void *block;

    (void)state;
    assert_true(n >= 4); /* this program's two, and at least as many of its libraries */
    assert_int_equal((size_t)n, patch.n_slots);
    assert_int_equal(patch.n_refused, 0);
    assert_false(patch.has_waiting);
    assert_int_equal(got_patch_all(&patch, names, 2, NULL), -EBUSY);
    asked = freed = 0;
    block = allocate(12345);
    free(block);
    assert_int_equal(asked, 12345);
    assert_int_equal(freed, 1);
    free(taken(500));
    assert_int_equal(asked, 12345 + (has_stub ? 500 : 0));
    assert_true(got_patch_bytes(&patch) >= patch.n_slots * sizeof *patch.slots);
    got_patch_restore(&patch);
    assert_int_equal(patch.n_slots, 0);
    asked = freed = 0;
    free(allocate(777));
    free(taken(777));
    assert_int_equal(asked + freed, 0);
}

/* strdup() is libc's, and calls malloc() by a slot of libc's own. */
static void test_calls_of_libc_are_seen(void **state)
{
    struct got_patch patch = {0};
    const char *volatile text = "whose copy has 21 B.";
    char *copy;

    (void)state;
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    asked = 0;
    copy = strdup(text);
    got_patch_restore(&patch);
#ifdef __SANITIZE_ADDRESS__
    (void)copy; /* strdup() is the sanitizer's there */
#else
    assert_int_equal(asked, 21);
#endif
    assert_string_equal(copy, text);
    free(copy);
}

static void test_slots_and_permissions_come_back_as_they_were(void **state)
{
    struct got_patch patch = {0};
    char(*before)[5];
    void **held;
    void ***places;
    size_t n;

    (void)state;
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    n = patch.n_slots;
    places = calloc(n, sizeof *places);
    held = calloc(n, sizeof *held);
    before = calloc(n, sizeof *before);
    for (size_t i = 0; i < n; i++) {
        places[i] = patch.slots[i].place;
        held[i] = patch.slots[i].before;
        assert_ptr_equal(*places[i], names[patch.slots[i].name].ours);
    }
    got_patch_restore(&patch);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(*places[i], held[i]);
        permissions_of(places[i], before[i]);
    }
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    for (size_t i = 0; i < n; i++) {
        char now[5];

        permissions_of(places[i], now);
        assert_string_equal(now, before[i]);
        assert_memory_equal(now, "r", 1);
    }
    got_patch_restore(&patch);
    free(places);
    free(held);
    free(before);
}

static void test_an_object_can_be_left_alone(void **state)
{
    struct got_patch patch = {0};

    (void)state;
    assert_true(got_patch_all(&patch, names, 2, &names) >= 0);
    asked = freed = 0;
    free(allocate(100));
    assert_int_equal(asked + freed, 0);
    got_patch_restore(&patch);
}

static void test_slots_that_lead_elsewhere_are_left_alone(void **state)
{
    struct got_name others[2] = {names[0], names[1]};
    struct got_patch patch = {0};

    (void)state;
    free(allocate(1)); /* this program's slots are bound now */
    others[0].original = others[1].original = &patch;
    assert_true(got_patch_all(&patch, others, 2, NULL) >= 0);
    assert_true(patch.n_foreign >= 2);
    asked = freed = 0;
    free(allocate(100));
    assert_int_equal(asked + freed, 0);
    got_patch_restore(&patch);
}

struct library {
    void *handle;
    void *(*allocate)(size_t);
    void *(*allocate_by_pointer)(size_t);
    void (*free)(void *);
};

static void library_open(struct library *library, const char *path)
{
    library->handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    assert_non_null(library->handle);
    *(void **)&library->allocate = dlsym(library->handle, "library_allocate");
    *(void **)&library->allocate_by_pointer = dlsym(library->handle, "library_allocate_by_pointer");
    *(void **)&library->free = dlsym(library->handle, "library_free");
    assert_non_null(library->free);
}

/* Bytes that were seen of one block of each way of calling. */
static size_t seen_of(const struct library *library)
{
    asked = freed = 0;
    library->free(library->allocate(1000));
    library->free(library->allocate_by_pointer(30000));
    return asked + freed;
}

static void check_later_library(const char *path)
{
    struct got_patch patch = {0};
    struct library library;

    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    assert_int_equal(got_patch_new(&patch), 0);
    library_open(&library, path);
    assert_int_equal(seen_of(&library), has_stub ? 30000 : 0);
    assert_int_equal(got_patch_new(&patch), slots_of_library);
    assert_int_equal(seen_of(&library), 31002);
    assert_int_equal(got_patch_new(&patch), 0);
    assert_false(patch.has_waiting);
    got_patch_restore(&patch);
    assert_int_equal(seen_of(&library), 0);
    dlclose(library.handle);
}

static void test_libraries_opened_later_are_patched(void **state)
{
    (void)state;
    check_later_library(GOT_LIBRARY_LAZY);
    check_later_library(GOT_LIBRARY_NOW);
}

static void test_slots_that_were_never_called_are_patched(void **state)
{
    struct got_patch patch = {0};
    struct library library;

    (void)state;
    library_open(&library, GOT_LIBRARY_LAZY);
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    assert_int_equal(seen_of(&library), 31002);
    got_patch_restore(&patch);
    assert_int_equal(seen_of(&library), 0);
    dlclose(library.handle);
}

/* A program may have written its own pointer since: that stays. */
static void test_what_is_no_longer_ours_is_not_restored(void **state)
{
    struct got_patch patch = {0};
    struct library library;
    void **pointer;

    (void)state;
    library_open(&library, GOT_LIBRARY_LAZY);
    pointer = dlsym(library.handle, "library_pointer");
    assert_non_null(pointer);
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    assert_ptr_equal(*pointer, has_stub ? (void *)(uintptr_t)taken : names[0].ours);
    *pointer = (void *)(uintptr_t)valloc;
    got_patch_restore(&patch);
    assert_ptr_equal(*pointer, (void *)(uintptr_t)valloc);
    dlclose(library.handle);
}

static struct got_patch early;
static int n_early, early_slots;
static bool early_waits;

static void patch_early(void)
{
    early_slots += got_patch_new(&early);
    early_waits = early.has_waiting;
    n_early++;
}

/* As another thread might find it: not all of it is relocated, and its pages are written to. */
static void test_a_library_that_is_being_opened_waits(void **state)
{
    const char *const paths[] = {GOT_LIBRARY_LAZY, GOT_LIBRARY_NOW};
    struct library library;

    (void)state;
    for (int i = 0; i < 2; i++) {
        n_early = early_slots = 0;
        assert_true(got_patch_all(&early, names, 2, NULL) > 0);
        got_meanwhile = patch_early;
        library_open(&library, paths[i]);
        got_meanwhile = NULL;
        assert_true(n_early > 0);
        assert_true(early_waits);
        assert_int_equal(early_slots, 0);
        assert_int_equal(got_patch_new(&early), slots_of_library);
        assert_false(early.has_waiting);
        assert_int_equal(seen_of(&library), 31002);
        got_patch_restore(&early);
        assert_int_equal(seen_of(&library), 0);
        dlclose(library.handle);
    }
}

/* The slots of a library that is closed are another's memory, or nobody's. */
static void test_a_closed_library_is_not_touched(void **state)
{
    struct got_patch patch = {0};
    struct library library;
    size_t before;

    (void)state;
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    before = patch.n_slots;
    library_open(&library, GOT_LIBRARY_NOW);
    assert_int_equal(got_patch_new(&patch), slots_of_library);
    dlclose(library.handle);
    assert_null(dlopen(GOT_LIBRARY_NOW, RTLD_LAZY | RTLD_NOLOAD));
    got_patch_restore(&patch);

    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    for (int round = 0; round < 3; round++) { /* mostly at the same address */
        library_open(&library, GOT_LIBRARY_NOW);
        assert_int_equal(got_patch_new(&patch), slots_of_library);
        assert_int_equal(seen_of(&library), 31002);
        dlclose(library.handle);
        if (round == 1)
            assert_int_equal(got_patch_new(&patch), 0);
    }
    assert_int_equal(got_patch_new(&patch), 0);
    assert_int_equal(patch.n_slots, before);
    got_patch_restore(&patch);
}

static void test_errno_stays(void **state)
{
    struct got_patch patch = {0};

    (void)state;
    errno = 123;
    assert_true(got_patch_all(&patch, names, 2, NULL) > 0);
    got_patch_new(&patch);
    got_patch_restore(&patch);
    got_patch_restore(&patch);
    assert_int_equal(got_patch_new(&patch), 0);
    assert_int_equal(errno, 123);
}

static void test_originals_are_no_stubs_of_the_program(void **state)
{
    Dl_info malloc_is, program_is;

    (void)state;
    assert_true(dladdr((void *)(uintptr_t)real_malloc, &malloc_is) != 0);
    assert_true(dladdr(&names, &program_is) != 0);
    assert_ptr_not_equal(malloc_is.dli_fbase, program_is.dli_fbase);
    assert_null(got_original("there_is_no_such_function"));
}

static void test_who_holds_an_address(void **state)
{
    void *library = dlopen(GOT_LIBRARY_LAZY, RTLD_NOW);
    struct got_holder holder = {0}, program = {0};
    Dl_info info;

    (void)state;
    assert_non_null(library);
    assert_true(got_holder_find(&holder, dlsym(library, "library_chosen")));
    assert_string_equal(holder.path, GOT_LIBRARY_LAZY);
    assert_true(dladdr(dlsym(library, "library_chosen"), &info) != 0);
    assert_int_equal(holder.base, (uintptr_t)info.dli_fbase);
    assert_true(got_holder_find(&program, &names));
    assert_string_equal(program.path, "");
    assert_int_not_equal(program.base, holder.base);
    assert_false(got_holder_find(&holder, &info));
    assert_false(got_holder_find(&holder, NULL));
    assert_int_equal(dlclose(library), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_originals_are_no_stubs_of_the_program),
        cmocka_unit_test(test_calls_of_the_program_are_seen_until_the_restore),
        cmocka_unit_test(test_calls_of_libc_are_seen),
        cmocka_unit_test(test_slots_and_permissions_come_back_as_they_were),
        cmocka_unit_test(test_an_object_can_be_left_alone),
        cmocka_unit_test(test_slots_that_lead_elsewhere_are_left_alone),
        cmocka_unit_test(test_libraries_opened_later_are_patched),
        cmocka_unit_test(test_slots_that_were_never_called_are_patched),
        cmocka_unit_test(test_what_is_no_longer_ours_is_not_restored),
        cmocka_unit_test(test_a_library_that_is_being_opened_waits),
        cmocka_unit_test(test_a_closed_library_is_not_touched),
        cmocka_unit_test(test_errno_stays),
        cmocka_unit_test(test_who_holds_an_address),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
