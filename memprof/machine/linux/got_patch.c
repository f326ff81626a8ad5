/*
 * It is longer than 500 lines because finding, writing and giving back slots share what they know
 * of an object that the loader has, or has not yet, relocated.
 */
#include "memprof/machine/got_patch.h"

#include "memprof/machine/linux/elf_view.h"
#include "memprof/machine/pages.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#define LOWEST_PROGRAM 0x400000
#define LAST_LOOKED_AT 16 /* relocations, to find one that says whether all are done */

struct scan {
    struct got_patch *patch;
    size_t at; /* number of the object in this scan: mostly its number in the patch as well */
    size_t n_new;
    int error;
    bool has_waiting;
    unsigned long long adds, subs;
};

/*
 * Whether it was done: 1 or 0, or -1 where its place does not tell. That of a call holds an address
 * in the file before; functions of a program at a fixed address may look so.
 */
static int is_done(const struct elf_view *view, const ElfW(Rela) * relocation)
{
    uintptr_t value = elf_value(view, relocation);
    unsigned long type = ELF64_R_TYPE(relocation->r_info);
    const ElfW(Sym) *symbol = &view->symbols[ELF64_R_SYM(relocation->r_info)];

    if (type == ELF_TYPE_RELATIVE && elf_in_relro(view, elf_place(view, relocation)))
        return value == view->info->dlpi_addr + (uintptr_t)relocation->r_addend;
    if (type != ELF_TYPE_IRELATIVE && ELF64_ST_BIND(symbol->st_info) == STB_WEAK)
        return -1;
    if (type == ELF_TYPE_GLOB_DAT)
        return value != 0;
    if (type != ELF_TYPE_JUMP_SLOT && type != ELF_TYPE_IRELATIVE)
        return -1;
    return value >= view->high - view->low ? 1 : value < LOWEST_PROGRAM ? 0 : -1;
}

/* What the last relocation that tells says: 1, 0 or -1. Of `type` alone, where that is not 0. */
static int last_is_done(const struct elf_view *view, const struct elf_relocations *relocations,
                        unsigned long type)
{
    size_t n = relocations->n < LAST_LOOKED_AT ? relocations->n : LAST_LOOKED_AT;
    int done = -1;

    for (size_t i = 1; i <= n && done < 0; i++) {
        const ElfW(Rela) *relocation = &relocations->first[relocations->n - i];

        if (type == 0 || ELF64_R_TYPE(relocation->r_info) == type)
            done = is_done(view, relocation);
    }
    return done;
}

/*
 * What dlopen() never opens: the program, the loader, and the C library. The last two choose
 * nothing by a function of theirs: a slot stays empty.
 */
static bool is_from_the_start(const struct elf_view *view)
{
    uintptr_t base = view->info->dlpi_addr;
#ifdef __GLIBC__
    uintptr_t libc = (uintptr_t)gnu_get_libc_version(); /* a text in it */
#else
    uintptr_t libc = 0; /* the loader */
#endif

    return base == 0 || base == getauxval(AT_BASE) || (libc >= view->low && libc < view->high);
}

/*
 * Another thread may be in the midst of dlopen(). What it has still to write it would write over
 * ours, and into pages that we made read-only. The last relocation tells: of calls, where there are
 * any, but functions that are chosen by a function come behind them, wherever they stand.
 */
static bool is_relocated(const struct elf_view *view)
{
    if (is_from_the_start(view))
        return true;
    if (view->calls.n == 0)
        return last_is_done(view, &view->data, 0) != 0;
    return last_is_done(view, &view->calls, 0) != 0 &&
           last_is_done(view, &view->data, ELF_TYPE_IRELATIVE) != 0;
}

/* All pages of an object at once, and not for each slot. */
static bool relro_protect(struct elf_view *view, bool is_writable)
{
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;

    if (view->is_writable == is_writable)
        return true;
    if (mprotect((void *)view->relro_low, view->relro_high - view->relro_low, protection) != 0)
        return false;
    view->is_writable = is_writable;
    return true;
}

static bool place_write(struct elf_view *view, void **place, void *value)
{
    if (!elf_in_writable(view, place))
        return false;
    if (elf_in_relro(view, place) && !relro_protect(view, true))
        return false;
    atomic_store((_Atomic(void *) *)place, value);
    return true;
}

/* An item more in an array of the patch's own. */
static void *item_new(void **array, size_t *bytes, size_t *n, size_t size)
{
    size_t used = *n * size;

    if (used + size > *bytes) {
        size_t more = *bytes == 0 ? pages_size() : 2 * *bytes;
        void *moved = pages_map(more);

        if (moved == NULL)
            return NULL;
        if (used > 0)
            memcpy(moved, *array, used);
        pages_unmap(*array, *bytes);
        *array = moved;
        *bytes = more;
    }
    ++*n;
    return (char *)*array + used;
}

/* The record of a place: that of before, where the object was looked through already. */
static struct got_slot *slot_for(struct got_patch *patch, uint32_t object, void **place)
{
    void *slots = patch->slots, *made;

    for (size_t i = 0; patch->objects[object].is_patched && i < patch->n_slots; i++)
        if (patch->slots[i].place == place)
            return &patch->slots[i];
    made = item_new(&slots, &patch->slots_bytes, &patch->n_slots, sizeof *patch->slots);
    patch->slots = slots;
    return made;
}

/* Its number in the patch's names, or n_names. */
static size_t name_of(const struct got_patch *patch, const struct elf_view *view,
                      const ElfW(Rela) * relocation)
{
    const ElfW(Sym) *symbol = &view->symbols[ELF64_R_SYM(relocation->r_info)];
    const char *name = view->strings + symbol->st_name;
    size_t i = 0;

    if (ELF64_R_SYM(relocation->r_info) == 0 || symbol->st_name >= view->strings_size)
        return patch->n_names;
    while (i < patch->n_names &&
           (*name != *patch->names[i].name || strcmp(name, patch->names[i].name) != 0))
        i++;
    return i;
}

/* Whether calls through this place are calls of the original, now or when they are bound. */
static bool leads_to(const struct elf_view *view, const ElfW(Rela) * relocation,
                     const void *original)
{
    uintptr_t value = elf_value(view, relocation);
    const ElfW(Sym) *symbol = &view->symbols[ELF64_R_SYM(relocation->r_info)];
    bool is_unbound = ELF64_R_TYPE(relocation->r_info) == ELF_TYPE_JUMP_SLOT &&
                      symbol->st_shndx == SHN_UNDEF && value >= view->low && value < view->high;

    return value != 0 && (original == NULL || value == (uintptr_t)original || is_unbound);
}

static void patch_slot(struct scan *scan, struct elf_view *view, uint32_t object,
                       const ElfW(Rela) * relocation)
{
    struct got_patch *patch = scan->patch;
    size_t name = name_of(patch, view, relocation);
    void **place = elf_place(view, relocation);
    struct got_slot slot = {.place = place, .object = object, .name = (uint32_t)name}, *kept;

    if (name == patch->n_names)
        return;
    slot.before = (void *)elf_value(view, relocation);
    if (slot.before == patch->names[name].ours)
        return;
    if (!leads_to(view, relocation, patch->names[name].original)) {
        patch->n_foreign++;
        return;
    }
    kept = slot_for(patch, object, place);
    if (kept == NULL) {
        scan->error = -ENOMEM;
        return;
    }
    *kept = slot;
    if (place_write(view, place, patch->names[name].ours))
        scan->n_new++;
    else
        patch->n_refused++;
}

static void patch_relocations(struct scan *scan, struct elf_view *view, uint32_t object,
                              const struct elf_relocations *relocations)
{
    for (size_t i = 0; i < relocations->n && scan->error == 0; i++) {
        const ElfW(Rela) *relocation = &relocations->first[i];
        unsigned long type = ELF64_R_TYPE(relocation->r_info);

        if (type == ELF_TYPE_JUMP_SLOT || type == ELF_TYPE_GLOB_DAT ||
            (type == ELF_TYPE_ADDRESS && relocation->r_addend == 0))
            patch_slot(scan, view, object, relocation);
    }
}

static uint64_t identity_of(const struct dl_phdr_info *info)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325) ^ info->dlpi_phnum;
    const char *name = info->dlpi_name == NULL ? "" : info->dlpi_name;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    for (int i = 0; i < info->dlpi_phnum; i++)
        hash = (hash ^ info->dlpi_phdr[i].p_vaddr) * UINT64_C(0x100000001B3);
    return hash;
}

static bool is_object(const struct got_object *object, const struct dl_phdr_info *info,
                      uint64_t identity)
{
    return object->base == info->dlpi_addr && object->head == info->dlpi_phdr &&
           object->identity == identity;
}

/* Objects come in the order in which they were opened: the number of the last one is at hand. */
static struct got_object *object_find(struct scan *scan, const struct dl_phdr_info *info)
{
    struct got_patch *patch = scan->patch;
    uint64_t identity = identity_of(info);
    size_t at = scan->at++;

    if (at < patch->n_objects && is_object(&patch->objects[at], info, identity))
        return &patch->objects[at];
    for (size_t i = 0; i < patch->n_objects; i++)
        if (is_object(&patch->objects[i], info, identity))
            return &patch->objects[i];
    return NULL;
}

static struct got_object *object_new(struct got_patch *patch, const struct dl_phdr_info *info)
{
    void *objects = patch->objects;
    struct got_object *object = NULL;

    for (size_t i = 0; i < patch->n_objects && object == NULL; i++)
        if (patch->objects[i].head == NULL)
            object = &patch->objects[i];
    if (object == NULL)
        object = item_new(&objects, &patch->objects_bytes, &patch->n_objects, sizeof *object);
    patch->objects = objects;
    if (object == NULL)
        return NULL;
    memset(object, 0, sizeof *object);
    object->base = info->dlpi_addr;
    object->head = info->dlpi_phdr;
    object->identity = identity_of(info);
    return object;
}

static int count_objects(struct dl_phdr_info *info, size_t size, void *context)
{
    struct scan *scan = context;

    (void)size; /* both systems' libraries that have this function have counted for long */
    scan->adds = info->dlpi_adds;
    scan->subs = info->dlpi_subs;
    return 1;
}

static void patch_object(struct scan *scan, struct got_object *object, struct elf_view *view)
{
    uint32_t number = (uint32_t)(object - scan->patch->objects);
    uintptr_t skip = (uintptr_t)scan->patch->skip;

    object->is_ready = true;
    if (skip >= view->low && skip < view->high)
        return;
    if (!is_relocated(view)) {
        object->is_ready = false;
        scan->has_waiting = true;
        return;
    }
    patch_relocations(scan, view, number, &view->data);
    patch_relocations(scan, view, number, &view->calls);
    relro_protect(view, false);
    object->is_patched = true;
}

static int visit_object(struct dl_phdr_info *info, size_t size, void *context)
{
    struct scan *scan = context;
    struct got_object *object = object_find(scan, info);
    struct elf_view view;

    (void)size;
    if (object == NULL)
        object = object_new(scan->patch, info);
    if (object == NULL) {
        scan->error = -ENOMEM;
        return scan->error;
    }
    object->is_loaded = true;
    if (object->is_ready)
        return 0;
    if (elf_view_make(&view, info))
        patch_object(scan, object, &view);
    else
        object->is_ready = true;
    return scan->error;
}

/* Slots of objects that are gone would be another's memory. */
static void forget_closed(struct got_patch *patch)
{
    size_t kept = 0;

    for (size_t i = 0; i < patch->n_slots; i++)
        if (patch->objects[patch->slots[i].object].is_loaded)
            patch->slots[kept++] = patch->slots[i];
    patch->n_slots = kept;
    for (size_t i = 0; i < patch->n_objects; i++)
        if (!patch->objects[i].is_loaded)
            patch->objects[i].head = NULL; /* free for another */
}

static int scan_all(struct got_patch *patch, struct scan *scan)
{
    int errno_before = errno;
    bool some_closed = scan->subs != patch->subs;

    /* One that was opened again where it had been looks the same, and holds nothing of ours. */
    if (some_closed)
        patch->n_foreign = patch->n_refused = 0;
    for (size_t i = 0; some_closed && i < patch->n_objects; i++)
        patch->objects[i].is_loaded = patch->objects[i].is_ready = false;
    dl_iterate_phdr(visit_object, scan);
    if (some_closed && scan->error == 0)
        forget_closed(patch);
    patch->adds = scan->adds;
    patch->subs = scan->subs;
    patch->has_waiting = scan->has_waiting || scan->error != 0;
    errno = errno_before;
    return scan->error != 0 ? scan->error : (int)scan->n_new;
}

int got_patch_all(struct got_patch *patch, const struct got_name *names, size_t n_names,
                  const void *skip)
{
    struct scan scan = {.patch = patch};

    if (!ELF_VIEW_IS_KNOWN)
        return -ENOTSUP;
    if (patch->names != NULL)
        return -EBUSY;
    memset(patch, 0, sizeof *patch);
    patch->names = names;
    patch->n_names = n_names;
    patch->skip = skip;
    dl_iterate_phdr(count_objects, &scan);
    patch->subs = scan.subs;
    return scan_all(patch, &scan);
}

int got_patch_new(struct got_patch *patch)
{
    struct scan scan = {.patch = patch};

    if (patch->names == NULL)
        return 0;
    dl_iterate_phdr(count_objects, &scan);
    if (scan.adds == patch->adds && scan.subs == patch->subs && !patch->has_waiting)
        return 0;
    return scan_all(patch, &scan);
}

static int restore_object(struct dl_phdr_info *info, size_t size, void *context)
{
    struct scan *scan = context;
    struct got_patch *patch = scan->patch;
    struct got_object *object = object_find(scan, info);
    struct elf_view view;

    (void)size;
    if (object == NULL || !elf_view_make(&view, info))
        return 0;
    for (size_t i = 0; i < patch->n_slots; i++) {
        struct got_slot *slot = &patch->slots[i];

        if (&patch->objects[slot->object] == object &&
            *slot->place == patch->names[slot->name].ours)
            place_write(&view, slot->place, slot->before);
    }
    relro_protect(&view, false);
    return 0;
}

void got_patch_restore(struct got_patch *patch)
{
    struct scan scan = {.patch = patch};
    int errno_before = errno;

    if (patch->names != NULL)
        dl_iterate_phdr(restore_object, &scan);
    pages_unmap(patch->slots, patch->slots_bytes);
    pages_unmap(patch->objects, patch->objects_bytes);
    memset(patch, 0, sizeof *patch);
    errno = errno_before;
}

struct stub_query {
    const char *name;
    const void *address;
    bool is_stub;
};

static int look_for_stub(struct dl_phdr_info *program, size_t size, void *context)
{
    struct stub_query *query = context;
    struct elf_view view;

    (void)size;
    if (!elf_view_make(&view, program))
        return 1;
    for (size_t i = 0; i < view.calls.n; i++) {
        const ElfW(Sym) *symbol = &view.symbols[ELF64_R_SYM(view.calls.first[i].r_info)];

        if (symbol->st_shndx == SHN_UNDEF && symbol->st_value != 0 &&
            program->dlpi_addr + symbol->st_value == (uintptr_t)query->address &&
            strcmp(view.strings + symbol->st_name, query->name) == 0)
            query->is_stub = true;
    }
    return 1; /* the program is the first of all objects */
}

/* What this object itself defines, or NULL. */
static void *defined_in(const struct link_map *object, const char *name)
{
    void *handle = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD), *found;
    Dl_info info;

    if (handle == NULL)
        return NULL;
    found = dlsym(handle, name);
    if (found != NULL && (dladdr(found, &info) == 0 || (uintptr_t)info.dli_fbase != object->l_addr))
        found = NULL;
    dlclose(handle);
    return found;
}

void *got_original(const char *name)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    struct stub_query query = {.name = name};
    struct link_map *object = NULL;
    void *found;

    if (program == NULL)
        return NULL;
    found = dlsym(program, name);
    query.address = found;
    if (found != NULL)
        dl_iterate_phdr(look_for_stub, &query);
    if (query.is_stub && dlinfo(program, RTLD_DI_LINKMAP, &object) == 0) {
        found = NULL;
        while (found == NULL && (object = object->l_next) != NULL)
            found = defined_in(object, name);
    }
    dlclose(program);
    return found;
}

struct holder_query {
    struct got_holder *holder;
    uintptr_t address;
};

static int is_held(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct holder_query *query = context;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *head = &info->dlpi_phdr[i];

        if (head->p_type != PT_LOAD ||
            query->address - (info->dlpi_addr + head->p_vaddr) >= head->p_memsz)
            continue;
        *query->holder =
            (struct got_holder){info->dlpi_addr, info->dlpi_name == NULL ? "" : info->dlpi_name};
        return 1;
    }
    return 0;
}

bool got_holder_find(struct got_holder *holder, const void *address)
{
    struct holder_query query = {holder, (uintptr_t)address};

    return dl_iterate_phdr(is_held, &query) != 0;
}

size_t got_patch_bytes(const struct got_patch *patch)
{
    return patch->slots_bytes + patch->objects_bytes;
}
