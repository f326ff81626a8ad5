#include "memprof/machine/resident.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "memprof/machine/grow.h"
#include "memprof/machine/linux/proc_file.h"
#include "memprof/machine/pages.h"
#include "memprof/machine/smaps_text.h"

struct stacks {
    uint64_t *addresses;
    size_t n, capacity;
};

static void add_stack(struct stacks *stacks, uint64_t address)
{
    uint64_t *room = grow_double(stacks->addresses, sizeof *room, stacks->n + 1, &stacks->capacity);

    if (room == NULL)
        return; /* that stack is not known: it goes with the heap */
    stacks->addresses = room;
    stacks->addresses[stacks->n++] = address;
}

/*
 * The stack pointer of a thread that waits stands in its "syscall": a number, six arguments, and
 * it. Of one that runs nobody knows.
 */
static void find_stack(struct stacks *stacks, const char *thread)
{
    char name[40], text[256];
    uint64_t address;

    snprintf(name, sizeof name, "task/%.20s/syscall", thread);
    if (proc_file_read(0, name, text, sizeof text) > 0 &&
        (sscanf(text, "-1 0x%" SCNx64, &address) == 1 ||
         sscanf(text, "%*d %*s %*s %*s %*s %*s %*s 0x%" SCNx64, &address) == 1))
        add_stack(stacks, address);
}

static void find_stacks(struct stacks *stacks)
{
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;

    add_stack(stacks, (uint64_t)(uintptr_t)&entry);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            find_stack(stacks, entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
}

/* How much of [start, end), which are ends of pages, is resident; 0 where it cannot be asked. */
static int64_t resident_between(uintptr_t start, uintptr_t end, size_t page)
{
    unsigned char pages[256];
    int64_t n = 0;

    while (start < end) {
        size_t length = end - start < sizeof pages * page ? end - start : sizeof pages * page;

        if (mincore((void *)start, length, pages) != 0)
            return 0;
        for (size_t i = 0; i < length / page; i++)
            n += pages[i] & 1;
        start += length;
    }
    return n * (int64_t)page;
}

/*
 * What a loaded program or library begins with zeroed is memory as any other to the kernel, and may
 * be of one mapping with a heap; where it lies its own headers tell.
 */
static int move_zeroed(struct dl_phdr_info *object, size_t size, void *context)
{
    struct resident_parts *parts = context;
    size_t page = pages_size();

    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + part->p_vaddr, end;
        int64_t resident;

        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) == 0)
            continue;
        end = pages_round(start + part->p_memsz);
        start = pages_round(start + part->p_filesz);
        resident = resident_between(start, end, page);
        parts->files += resident;
        parts->heap -= resident;
        parts->heap_size -= (int64_t)(end - start);
    }
    return 0;
}

int resident_read(struct resident_parts *parts)
{
    struct stacks stacks = {0};
    struct smaps_reader reader;
    int fd = proc_file_open(0, "smaps", O_RDONLY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return fd < 0 ? fd : -ENOMEM;
    }
    find_stacks(&stacks);
    smaps_begin(&reader, stacks.addresses, stacks.n, parts);
    while ((length = getline(&line, &room, file)) > 0) {
        line[length - (line[length - 1] == '\n')] = '\0';
        smaps_line(&reader, line);
    }
    dl_iterate_phdr(move_zeroed, parts);
    free(line);
    fclose(file);
    free(stacks.addresses);
    return 0;
}
