/*
 * Functions of shared libraries, replaced by ours: in every object that is loaded, the places
 * through which it calls a function of a name (slots of its global offset table, and data that
 * holds the function's address) are found by its relocations, and get another address.
 *
 * A slot is patched where it leads to the original, or where nothing was called through it yet. One
 * that leads elsewhere is left alone: what an object allocates by an allocator of its own must be
 * freed by that. (Data that holds the address of a fixed program's stub is one: it leads to ours as
 * well, through the program's slot.) Addresses that a program has copied before are not found.
 *
 * Memory that was made read-only after relocation is so again afterwards. Objects that are closed
 * are never touched; those that another thread is about to relocate wait for the next
 * got_patch_new().
 *
 * No malloc(), no lock of ours: one caller at a time. errno stays as it was.
 */
#ifndef MEMPROF_GOT_PATCH_H
#define MEMPROF_GOT_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct got_name {
    const char *name;
    void *ours;
    void *original; /* where slots lead now: got_original(); NULL: wherever they lead */
};

struct got_slot {
    void **place;
    void *before;    /* what stood there */
    uint32_t object; /* its number in got_patch.objects */
    uint32_t name;   /* of got_patch.names */
};

struct got_object {
    uintptr_t base;    /* what the loader added to addresses of the file */
    const void *head;  /* its program headers; NULL: it was closed */
    uint64_t identity; /* of its name and the rest: another may have its place later */
    bool is_loaded;    /* still, when they were looked through */
    bool is_patched;   /* it was looked through before */
    bool is_ready;     /* and needs not be again */
};

/* All zero at first. */
struct got_patch {
    const struct got_name *names; /* borrowed until the restore */
    size_t n_names;
    const void *skip;           /* an address in the object that is left alone, or NULL */
    struct got_slot *slots;     /* owned */
    struct got_object *objects; /* owned */
    size_t n_slots, n_objects, slots_bytes, objects_bytes; /* bytes are those of the mappings */
    size_t n_foreign;                                      /* places that lead elsewhere */
    size_t n_refused;              /* slots whose memory could not be made writable */
    unsigned long long adds, subs; /* objects opened and closed up to the last scan */
    bool has_waiting;              /* an object was not relocated yet */
};

/*
 * The function that calls of this name reach, or NULL. That is what dlsym() says, but where a
 * program at a fixed address has a stub of its own for it: who called the stub would come to us
 * again. Before the patch only; may allocate.
 */
void *got_original(const char *name);

/*
 * Patches all slots of all objects. The number of slots, or -errno: -ENOTSUP where the system has
 * no such thing, -EBUSY while it is patched already, -ENOMEM (what was patched until then stays and
 * can be restored).
 */
int got_patch_all(struct got_patch *patch, const struct got_name *names, size_t n_names,
                  const void *skip);

/*
 * Patches objects that were opened since. Costs about 15 ns where there are none. The number of new
 * slots, or -errno as above.
 */
int got_patch_new(struct got_patch *patch);

/*
 * All slots that still hold ours get back what they held, in objects that are still open. The patch
 * is empty after that.
 */
void got_patch_restore(struct got_patch *patch);

/* The loaded object that holds an address. */
struct got_holder {
    uintptr_t base;
    const char *path; /* the loader's, as long as the object is loaded; "" for the program */
};

/* False: none does, or nobody can tell. */
bool got_holder_find(struct got_holder *holder, const void *address);

/* Bytes of the patch's own that are resident. */
size_t got_patch_bytes(const struct got_patch *patch);

#endif
