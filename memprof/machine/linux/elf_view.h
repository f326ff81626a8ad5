/*
 * A loaded object as its headers say: what it occupies, and the places that the loader fills with
 * addresses of functions. Reads only; valid while dl_iterate_phdr() shows the object.
 */
#ifndef MEMPROF_ELF_VIEW_H
#define MEMPROF_ELF_VIEW_H

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "memprof/machine/pages.h"

#if defined(__x86_64__) && defined(__LP64__)
#define ELF_VIEW_IS_KNOWN 1
#define ELF_TYPE_JUMP_SLOT R_X86_64_JUMP_SLOT
#define ELF_TYPE_GLOB_DAT R_X86_64_GLOB_DAT
#define ELF_TYPE_ADDRESS R_X86_64_64
#define ELF_TYPE_RELATIVE R_X86_64_RELATIVE
#define ELF_TYPE_IRELATIVE R_X86_64_IRELATIVE
#elif defined(__aarch64__) && defined(__LP64__)
#define ELF_VIEW_IS_KNOWN 1
#define ELF_TYPE_JUMP_SLOT R_AARCH64_JUMP_SLOT
#define ELF_TYPE_GLOB_DAT R_AARCH64_GLOB_DAT
#define ELF_TYPE_ADDRESS R_AARCH64_ABS64
#define ELF_TYPE_RELATIVE R_AARCH64_RELATIVE
#define ELF_TYPE_IRELATIVE R_AARCH64_IRELATIVE
#else
#define ELF_VIEW_IS_KNOWN 0
#define ELF_TYPE_JUMP_SLOT 0
#define ELF_TYPE_GLOB_DAT 0
#define ELF_TYPE_ADDRESS 0
#define ELF_TYPE_RELATIVE 0
#define ELF_TYPE_IRELATIVE 0
#endif

struct elf_relocations {
    const ElfW(Rela) * first;
    size_t n;
};

/* An object, as its headers say. */
struct elf_view {
    const struct dl_phdr_info *info;
    uintptr_t low, high;             /* mapped */
    uintptr_t relro_low, relro_high; /* whole pages, read-only once it is relocated */
    const ElfW(Sym) * symbols;
    const char *strings;
    size_t strings_size;
    struct elf_relocations data, calls;
    bool is_writable; /* the read-only pages are, for now */
};

/* The loader of glibc has made these absolute, that of musl has not, and none those of the vdso. */
static inline uintptr_t elf_pointer(const struct elf_view *view, uintptr_t value)
{
    uintptr_t moved = view->info->dlpi_addr + value;

    if (value >= view->low && value < view->high)
        return value;
    return moved >= view->low && moved < view->high ? moved : 0;
}

static inline void elf_view_segments(struct elf_view *view, const ElfW(Dyn) * *dynamic)
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

static inline void elf_view_entry(struct elf_view *view, const ElfW(Dyn) * entry)
{
    uintptr_t value = entry->d_un.d_val;

    switch (entry->d_tag) {
    case DT_SYMTAB:
        view->symbols = (const ElfW(Sym) *)elf_pointer(view, value);
        break;
    case DT_STRTAB:
        view->strings = (const char *)elf_pointer(view, value);
        break;
    case DT_STRSZ:
        view->strings_size = value;
        break;
    case DT_RELA:
        view->data.first = (const ElfW(Rela) *)elf_pointer(view, value);
        break;
    case DT_RELASZ:
        view->data.n = value / sizeof(ElfW(Rela));
        break;
    case DT_JMPREL:
        view->calls.first = (const ElfW(Rela) *)elf_pointer(view, value);
        break;
    case DT_PLTRELSZ:
        view->calls.n = value / sizeof(ElfW(Rela));
        break;
    default:
        break;
    }
}

/* False: nothing in it is called by name. */
static inline bool elf_view_make(struct elf_view *view, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *entry = NULL;

    memset(view, 0, sizeof *view);
    view->info = info;
    elf_view_segments(view, &entry);
    if (entry == NULL)
        return false;
    for (; entry->d_tag != DT_NULL; entry++)
        elf_view_entry(view, entry);
    if (view->data.first == NULL)
        view->data.n = 0;
    if (view->calls.first == NULL)
        view->calls.n = 0;
    return view->symbols != NULL && view->strings != NULL && view->data.n + view->calls.n > 0;
}

static inline void **elf_place(const struct elf_view *view, const ElfW(Rela) * relocation)
{
    return (void **)(view->info->dlpi_addr + relocation->r_offset);
}

static inline uintptr_t elf_value(const struct elf_view *view, const ElfW(Rela) * relocation)
{
    return (uintptr_t)atomic_load((_Atomic(void *) *)elf_place(view, relocation));
}

static inline bool elf_in_relro(const struct elf_view *view, const void *place)
{
    return (uintptr_t)place >= view->relro_low && (uintptr_t)place < view->relro_high;
}

static inline bool elf_in_writable(const struct elf_view *view, const void *place)
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

#endif
