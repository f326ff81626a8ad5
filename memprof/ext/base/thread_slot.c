#include "memprof/ext/base/thread_slot.h"

#ifdef THREAD_SLOT

#include <link.h>
#include <string.h>

/* What a library's variables may span, and how far they may lie: less than the smallest stack. */
#define MOST_BYTES 4096
#define MOST_DISTANCE 8192

#define MOST_PLACES 8

/* Places near this thread's pointer that hold a value. */
struct search {
    const char *thread_pointer;
    PyThreadState *value;
    int n_places;
    ptrdiff_t places[MOST_PLACES];
};

static PyThreadState *value_at(ptrdiff_t place)
{
    PyThreadState *value;

    memcpy(&value, (const char *)__builtin_thread_pointer() + place, sizeof value);
    return value;
}

static int look_into_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    ptrdiff_t start, end;

    /* An older C library hands over a shorter struct, without the address of the variables. */
    if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data ||
        info->dlpi_tls_data == NULL)
        return 0;
    start = (const char *)info->dlpi_tls_data - search->thread_pointer;
    /*
     * Variables that lie elsewhere belong to a library that was loaded late: their distance differs
     * from thread to thread.
     */
    if (start >= 0 || start < -MOST_DISTANCE)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_TLS || info->dlpi_phdr[i].p_memsz > MOST_BYTES)
            continue;
        end = start + (ptrdiff_t)info->dlpi_phdr[i].p_memsz - (ptrdiff_t)sizeof search->value;
        for (ptrdiff_t at = start; at <= end && search->n_places < MOST_PLACES;
             at += (ptrdiff_t)sizeof search->value)
            if (value_at(at) == search->value)
                search->places[search->n_places++] = at;
    }
    return 0;
}

/* The one of the places that is empty while this thread does not hold the interpreter's lock. */
void thread_slot_find(struct thread_slot *slot)
{
    struct search search = {__builtin_thread_pointer(), PyThreadState_GetUnchecked(), 0, {0}};
    int n_found = 0;

    slot->distance = 0;
    dl_iterate_phdr(look_into_library, &search);
    Py_BEGIN_ALLOW_THREADS;
    for (int i = 0; i < search.n_places; i++) {
        if (value_at(search.places[i]) != NULL)
            continue;
        slot->distance = search.places[i];
        n_found++;
    }
    Py_END_ALLOW_THREADS;
    /* With two such places nothing tells which of them is the interpreter's. */
    if (n_found != 1)
        slot->distance = 0;
}

#else

void thread_slot_find(struct thread_slot *slot)
{
    slot->distance = 0;
}

#endif

void thread_slot_check(struct thread_slot *slot)
{
    if (thread_slot_get(slot) != PyThreadState_GetUnchecked())
        slot->distance = 0;
}
