#include "memprof/machine/got_patch.h"

#include "memprof/machine/pages.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__) && defined(__LP64__)
#define IS_KNOWN 1
#define TYPE_JUMP_SLOT R_X86_64_JUMP_SLOT
#define TYPE_GLOB_DAT R_X86_64_GLOB_DAT
#define TYPE_ADDRESS R_X86_64_64
#define TYPE_RELATIVE R_X86_64_RELATIVE
#elif defined(__aarch64__) && defined(__LP64__)
#define IS_KNOWN 1
#define TYPE_JUMP_SLOT R_AARCH64_JUMP_SLOT
#define TYPE_GLOB_DAT R_AARCH64_GLOB_DAT
#define TYPE_ADDRESS R_AARCH64_ABS64
#define TYPE_RELATIVE R_AARCH64_RELATIVE
#else
#define IS_KNOWN 0
#define TYPE_JUMP_SLOT 0
#define TYPE_GLOB_DAT 0
#define TYPE_ADDRESS 0
#define TYPE_RELATIVE 0
#endif

#define LAST_LOOKED_AT 16 /* relocations, to find one that says whether all are done */

struct relocations {
    const ElfW(Rela) * first;
    size_t n;
};

/* An object, as its headers say. */
struct view {
    const struct dl_phdr_info *info;
    uintptr_t low, high;             /* mapped */
    uintptr_t relro_low, relro_high; /* whole pages, read-only once it is relocated */
    const ElfW(Sym) * symbols;
    const char *strings;
    size_t strings_size;
    struct relocations data, calls;
    bool is_writable; /* the read-only pages are, for now */
};

struct scan {
    struct got_patch *patch;
    size_t at; /* number of the object in this scan: mostly its number in the patch as well */
    size_t n_new;
    int error;
    bool has_waiting;
    unsigned long long adds, subs;
};

/* The loader of glibc has made these absolute, that of musl has not, and none those of the vdso. */
static uintptr_t pointer_in(const struct view *view, uintptr_t value)
{
    uintptr_t moved = view->info->dlpi_addr + value;

    if (value >= view->low && value < view->high)
        return value;
    return moved >= view->low && moved < view->high ? moved : 0;
}

static void view_segments(struct view *view, const ElfW(Dyn) * *dynamic)
{
    uintptr_t base = view->info->dlpi_addr, page = pages_size();

    view->low = UINTPTR_MAX;
    for (int i = 0; i < view->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *head = &view->info->dlpi_phdr[i];
        uintptr_t start = base + head->p_vaddr, end = start + head->p_memsz;

        if (head->p_type == PT_LOAD) {
            view->low = start < view->low ? start : view->low;
            view->high = end > view->high ? end : view->high;
        } else if (head->p_type == PT_DYNAMIC) {
            *dynamic = (const ElfW(Dyn) *)start;
        } else if (head->p_type == PT_GNU_RELRO) {
            view->relro_low = start & ~(page - 1);
            view->relro_high = end & ~(page - 1);
        }
    }
}

static void view_entry(struct view *view, const ElfW(Dyn) * entry)
{
    uintptr_t value = entry->d_un.d_val;

    switch (entry->d_tag) {
    case DT_SYMTAB:
        view->symbols = (const ElfW(Sym) *)pointer_in(view, value);
        break;
    case DT_STRTAB:
        view->strings = (const char *)pointer_in(view, value);
        break;
    case DT_STRSZ:
        view->strings_size = value;
        break;
    case DT_RELA:
        view->data.first = (const ElfW(Rela) *)pointer_in(view, value);
        break;
    case DT_RELASZ:
        view->data.n = value / sizeof(ElfW(Rela));
        break;
    case DT_JMPREL:
        view->calls.first = (const ElfW(Rela) *)pointer_in(view, value);
        break;
    case DT_PLTRELSZ:
        view->calls.n = value / sizeof(ElfW(Rela));
        break;
    default:
        break;
    }
}

/* False: nothing in it is called by name. */
static bool view_make(struct view *view, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *entry = NULL;

    memset(view, 0, sizeof *view);
    view->info = info;
    view_segments(view, &entry);
    if (entry == NULL)
        return false;
    for (; entry->d_tag != DT_NULL; entry++)
        view_entry(view, entry);
    if (view->data.first == NULL)
        view->data.n = 0;
    if (view->calls.first == NULL)
        view->calls.n = 0;
    return view->symbols != NULL && view->strings != NULL && view->data.n + view->calls.n > 0;
}

static void **place_of(const struct view *view, const ElfW(Rela) * relocation)
{
    return (void **)(view->info->dlpi_addr + relocation->r_offset);
}

static uintptr_t value_at(const struct view *view, const ElfW(Rela) * relocation)
{
    return (uintptr_t)atomic_load((_Atomic(void *) *)place_of(view, relocation));
}

/* Whether it was done: 1 or 0, or -1 where its place does not tell. */
static int is_done(const struct view *view, const ElfW(Rela) * relocation)
{
    uintptr_t base = view->info->dlpi_addr, value;
    unsigned long type = ELF64_R_TYPE(relocation->r_info);
    const ElfW(Sym) *symbol = &view->symbols[ELF64_R_SYM(relocation->r_info)];

    if (type == TYPE_RELATIVE)
        return value_at(view, relocation) == base + (uintptr_t)relocation->r_addend;
    if (type != TYPE_JUMP_SLOT && type != TYPE_GLOB_DAT)
        return -1;
    if (ELF64_ST_BIND(symbol->st_info) == STB_WEAK)
        return -1;
    value = value_at(view, relocation);
    return type == TYPE_GLOB_DAT ? value != 0 : value >= base;
}

/*
 * Another thread may be in the midst of dlopen(). What it has still to write it would write over
 * ours, and into pages that we made read-only. The last relocation tells.
 */
static bool is_relocated(const struct view *view)
{
    const struct relocations *last = view->calls.n > 0 ? &view->calls : &view->data;
    size_t n = last->n < LAST_LOOKED_AT ? last->n : LAST_LOOKED_AT;

    if (view->info->dlpi_addr == 0)
        return true; /* no library: it was loaded at the start */
    for (size_t i = 1; i <= n; i++) {
        int done = is_done(view, &last->first[last->n - i]);

        if (done >= 0)
            return done;
    }
    return true;
}

static bool in_relro(const struct view *view, const void *place)
{
    return (uintptr_t)place >= view->relro_low && (uintptr_t)place < view->relro_high;
}

static bool in_writable_segment(const struct view *view, const void *place)
{
    for (int i = 0; i < view->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *head = &view->info->dlpi_phdr[i];
        uintptr_t start = view->info->dlpi_addr + head->p_vaddr;

        if (head->p_type == PT_LOAD && head->p_flags & PF_W && (uintptr_t)place >= start &&
            (uintptr_t)place - start + sizeof(void *) <= head->p_memsz)
            return true;
    }
    return false;
}

/* All pages of an object at once, and not for each slot. */
static bool relro_protect(struct view *view, bool is_writable)
{
    int protection = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;

    if (view->is_writable == is_writable)
        return true;
    if (mprotect((void *)view->relro_low, view->relro_high - view->relro_low, protection) != 0)
        return false;
    view->is_writable = is_writable;
    return true;
}

static bool place_write(struct view *view, void **place, void *value)
{
    if (!in_writable_segment(view, place))
        return false;
    if (in_relro(view, place) && !relro_protect(view, true))
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

static struct got_slot *slot_for(struct got_patch *patch, void **place)
{
    void *slots = patch->slots, *made;

    for (size_t i = 0; i < patch->n_slots; i++)
        if (patch->slots[i].place == place)
            return &patch->slots[i];
    made = item_new(&slots, &patch->slots_bytes, &patch->n_slots, sizeof *patch->slots);
    patch->slots = slots;
    return made;
}

/* Its number in the patch's names, or n_names. */
static size_t name_of(const struct got_patch *patch, const struct view *view,
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
static bool leads_to(const struct view *view, const ElfW(Rela) * relocation, const void *original)
{
    uintptr_t value = value_at(view, relocation);
    const ElfW(Sym) *symbol = &view->symbols[ELF64_R_SYM(relocation->r_info)];
    bool is_unbound = ELF64_R_TYPE(relocation->r_info) == TYPE_JUMP_SLOT &&
                      symbol->st_shndx == SHN_UNDEF && value >= view->low && value < view->high;

    return value != 0 && (original == NULL || value == (uintptr_t)original || is_unbound);
}

static void patch_slot(struct scan *scan, struct view *view, uint32_t object,
                       const ElfW(Rela) * relocation)
{
    struct got_patch *patch = scan->patch;
    size_t name = name_of(patch, view, relocation);
    void **place = place_of(view, relocation);
    struct got_slot slot = {.place = place, .object = object, .name = (uint32_t)name}, *kept;

    if (name == patch->n_names)
        return;
    slot.before = (void *)value_at(view, relocation);
    if (slot.before == patch->names[name].ours)
        return;
    if (!leads_to(view, relocation, patch->names[name].original)) {
        patch->n_foreign++;
        return;
    }
    kept = slot_for(patch, place);
    if (kept == NULL) {
        scan->error = -ENOMEM;
        return;
    }
    *kept = slot;
    scan->n_new++;
    if (!place_write(view, place, patch->names[name].ours))
        patch->n_refused++;
}

static void patch_relocations(struct scan *scan, struct view *view, uint32_t object,
                              const struct relocations *relocations)
{
    for (size_t i = 0; i < relocations->n && scan->error == 0; i++) {
        const ElfW(Rela) *relocation = &relocations->first[i];
        unsigned long type = ELF64_R_TYPE(relocation->r_info);

        if (type == TYPE_JUMP_SLOT || type == TYPE_GLOB_DAT ||
            (type == TYPE_ADDRESS && relocation->r_addend == 0))
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
    struct got_object *object =
        item_new(&objects, &patch->objects_bytes, &patch->n_objects, sizeof *patch->objects);

    patch->objects = objects;
    if (object == NULL)
        return NULL;
    object->base = info->dlpi_addr;
    object->head = info->dlpi_phdr;
    object->identity = identity_of(info);
    object->is_ready = false;
    return object;
}

static void read_counts(struct scan *scan, const struct dl_phdr_info *info, size_t size)
{
    if (size < offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs)
        return;
    scan->adds = info->dlpi_adds;
    scan->subs = info->dlpi_subs;
}

static int count_objects(struct dl_phdr_info *info, size_t size, void *context)
{
    read_counts(context, info, size);
    return 1;
}

static void patch_object(struct scan *scan, struct got_object *object, struct view *view)
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
}

static int visit_object(struct dl_phdr_info *info, size_t size, void *context)
{
    struct scan *scan = context;
    struct got_object *object = object_find(scan, info);
    struct view view;

    read_counts(scan, info, size);
    if (object == NULL)
        object = object_new(scan->patch, info);
    if (object == NULL) {
        scan->error = -ENOMEM;
        return scan->error;
    }
    object->is_loaded = true;
    if (object->is_ready)
        return 0;
    if (view_make(&view, info))
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
            patch->objects[i].identity = 0;
}

static int scan_all(struct got_patch *patch, struct scan *scan)
{
    int errno_before = errno;
    bool some_closed = scan->subs != patch->subs;

    /* One that was opened again where it had been looks the same, and holds nothing of ours. */
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

    if (!IS_KNOWN)
        return -ENOTSUP;
    if (patch->names != NULL)
        return -EBUSY;
    memset(patch, 0, sizeof *patch);
    patch->names = names;
    patch->n_names = n_names;
    patch->skip = skip;
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
    struct view view;

    (void)size;
    if (object == NULL || !view_make(&view, info))
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

size_t got_patch_bytes(const struct got_patch *patch)
{
    return patch->slots_bytes + patch->objects_bytes;
}
