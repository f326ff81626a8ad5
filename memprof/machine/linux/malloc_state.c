#include "memprof/machine/malloc_state.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc's struct mallinfo2. */
struct info {
    size_t arena, n_free, n_small, n_mapped, mapped, unused_1, unused_2, used, free, on_top;
};

static void from_info(const struct info *info, struct malloc_state *state)
{
    state->used = (int64_t)info->used;
    state->free = (int64_t)info->free;
    state->mapped = (int64_t)info->mapped;
}

/* The number of the last `name="` behind the last `start`: the totals stand last. */
static int64_t last_number(const char *text, const char *start, const char *name)
{
    const char *at = NULL, *next = text;
    int64_t number;

    while ((next = strstr(next, start)) != NULL)
        at = next++;
    at = at == NULL ? NULL : strstr(at, name);
    return at == NULL || sscanf(at + strlen(name), "%" SCNd64, &number) != 1 ? -1 : number;
}

/* What malloc_info() writes, as XML. */
static int from_text(const char *text, struct malloc_state *state)
{
    int64_t system = last_number(text, "<system type=\"current\"", "size=\""),
            fast = last_number(text, "<total type=\"fast\"", "size=\""),
            rest = last_number(text, "<total type=\"rest\"", "size=\"");

    state->mapped = last_number(text, "<total type=\"mmap\"", "size=\"");
    if (system < 0 || fast < 0 || rest < 0 || state->mapped < 0)
        return -ENOSYS;
    state->free = fast + rest;
    state->used = system - state->free;
    return 0;
}

/* Before glibc 2.33 the numbers of mallinfo() end at 2 GiB. */
static int read_text(int (*write)(int options, FILE *file), struct malloc_state *state)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    int error = -ENOSYS;

    if (file == NULL)
        return -ENOMEM;
    if (write(0, file) == 0 && fclose(file) == 0)
        error = from_text(text, state);
    free(text);
    return error;
}

/* Found when it is asked for: neither is in every C library, nor in every glibc. */
int malloc_state_read(struct malloc_state *state)
{
    struct info (*ask)(void);
    int (*write)(int options, FILE *file);

    *(void **)&ask = dlsym(RTLD_DEFAULT, "mallinfo2");
    if (ask != NULL) {
        struct info info = ask();

        from_info(&info, state);
        return 0;
    }
    *(void **)&write = dlsym(RTLD_DEFAULT, "malloc_info");
    return write == NULL ? -ENOSYS : read_text(write, state);
}
