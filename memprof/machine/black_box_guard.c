#include "memprof/machine/black_box_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memprof/machine/black_box_parts.h"

/* Not in anybody's state: handlers are told nothing. NULL while there is none, or while it changes.
 */
static struct black_box *volatile guarded;

static struct sigaction before; /* what SIGBUS did */

/* Between a fork's two halves: the box as it was, in memory that the child alone keeps. */
static void *copies[BLACK_BOX_PARTS];
static int n_copies;

/* Memory, empty, in the place of what is mapped there. Returns whether that could be done. */
static int map_over(uint64_t address, size_t size)
{
    return mmap((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* ---- a file that was cut short ---- */

/* The part of the guarded box in which the address lies, or NULL. */
static const struct black_box_part *part_of(const struct black_box *box, uint64_t address)
{
    for (int i = 0; box != NULL && i < box->n_parts; i++)
        if (address - box->parts[i].address < box->parts[i].size)
            return &box->parts[i];
    return NULL;
}

/* Everything behind the first page that is missing is missing too. */
static int mend(struct black_box *box, const struct black_box_part *hit, uint64_t address)
{
    uint64_t page = address & ~(uint64_t)4095, end = hit->address + hit->size;

    if (!map_over(page, (size_t)(end - page)))
        return 0;
    box->was_cut = 1;
    if (box->lost != NULL)
        box->lost(box->context, (const void *)(uintptr_t)page, (size_t)(end - page));
    return 1;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    struct black_box *box = guarded;
    uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
    const struct black_box_part *hit = part_of(box, address);

    if (hit != NULL && mend(box, hit, address))
        return;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
    else
        signal(SIGBUS, SIG_DFL); /* the same store again, and the end it would have had */
}

/* ---- forks ---- */

static void copy_before_fork(void)
{
    const struct black_box *box = guarded;

    n_copies = box == NULL ? 0 : box->n_parts;
    for (int i = 0; i < n_copies; i++) {
        size_t size = (size_t)box->parts[i].size;

        copies[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (copies[i] == MAP_FAILED)
            copies[i] = NULL;
        else
            memcpy(copies[i], (void *)(uintptr_t)box->parts[i].address,
                   i == n_copies - 1 ? box->used : size);
    }
}

static void drop_copies(const struct black_box *box)
{
    for (int i = 0; i < n_copies; i++)
        if (copies[i] != NULL)
            munmap(copies[i], (size_t)box->parts[i].size);
    n_copies = 0;
}

static void drop_after_fork(void)
{
    if (n_copies > 0)
        drop_copies(guarded);
}

/* The child's box is memory alone: the file is its parent's. */
static void keep_in_child(void)
{
    struct black_box *box = guarded;

    if (n_copies == 0)
        return;
    for (int i = 0; i < n_copies; i++) {
        const struct black_box_part *part = &box->parts[i];

        if (!map_over(part->address, (size_t)part->size))
            _exit(127); /* it would write into its parent's tables */
        if (copies[i] != NULL)
            memcpy((void *)(uintptr_t)part->address, copies[i], (size_t)part->size);
        else if (box->lost != NULL)
            box->lost(box->context, (void *)(uintptr_t)part->address, (size_t)part->size);
    }
    drop_copies(box);
    free(box->path);
    box->path = NULL;
    guarded = NULL;
}

/* ---- life ---- */

static pthread_once_t forks_are_seen = PTHREAD_ONCE_INIT;

static void see_forks(void)
{
    (void)pthread_atfork(copy_before_fork, drop_after_fork, keep_in_child);
}

static int is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_bus_error;
}

int black_box_guard(struct black_box *box)
{
    struct sigaction ours = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction now;

    if (guarded != NULL)
        return -EBUSY;
    pthread_once(&forks_are_seen, see_forks);
    sigemptyset(&ours.sa_mask);
    if (sigaction(SIGBUS, NULL, &now) != 0)
        return -errno;
    /* In a child of a process with a box it is ours already. */
    if (!is_ours(&now)) {
        before = now;
        sigaction(SIGBUS, &ours, NULL);
    }
    guarded = box;
    return 0;
}

void black_box_unguard(struct black_box *box)
{
    struct sigaction now;

    if (guarded != box)
        return;
    guarded = NULL;
    /* Somebody may have put a handler over ours: that one stays. */
    if (sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now))
        sigaction(SIGBUS, &before, NULL);
}
