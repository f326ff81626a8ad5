#include "memprof/machine/black_box_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/black_box_parts.h"
#include "memprof/machine/pages.h"

/* Not in anybody's state: handlers are told nothing. NULL while there is none, or while it changes.
 */
static struct black_box *volatile guarded;

static struct sigaction before; /* what SIGBUS did */

/* Between a fork's two halves: the box as it was, in memory that the child alone keeps. */
static void *copies[BLACK_BOX_PARTS];
static int n_copies;
static size_t copied_used; /* of the last part */

/* Memory, empty, in the place of what is mapped there. Returns whether that could be done. */
static int map_over(uint64_t address, size_t size)
{
    return mmap((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* ---- a file that was cut short ---- */

static bool holds(const struct black_box_part *part, uint64_t address)
{
    return address - part->address < part->size;
}

/* How long the file is; 0 where it cannot be found: then it may be as short as that. */
static uint64_t length_of_file(const struct black_box *box)
{
    struct stat info;

    if (box->path == NULL || lstat(box->path, &info) != 0 || (uint64_t)info.st_dev != box->device ||
        info.st_ino != box->inode)
        return 0;
    return (uint64_t)info.st_size;
}

/* Where in a part what is missing begins. */
static uint64_t missing_from(const struct black_box_part *part, uint64_t length, uint64_t address)
{
    uint64_t in_page = pages_size() - 1;
    uint64_t there = length <= part->offset ? 0 : (length - part->offset + in_page) & ~in_page;
    uint64_t hit = holds(part, address) ? (address - part->address) & ~in_page : part->size;

    return there < hit ? there : hit;
}

int black_box_mend(struct black_box *box, uint64_t address)
{
    uint64_t length = length_of_file(box);

    /* All of them, before anybody is told: who is told may store into any. */
    for (int i = 0; i < box->n_parts; i++) {
        const struct black_box_part *part = &box->parts[i];
        uint64_t from = missing_from(part, length, address);

        if (from < part->size && !map_over(part->address + from, (size_t)(part->size - from)))
            return -errno;
    }
    box->was_cut = 1;
    if (box->lost != NULL)
        box->lost(box->context);
    return 0;
}

static bool is_in(const struct black_box *box, uint64_t address)
{
    for (int i = 0; box != NULL && i < box->n_parts; i++)
        if (holds(&box->parts[i], address))
            return true;
    return false;
}

/* What would have happened without us. `was_sent`: by somebody, not by an access to memory. */
static void hand_on(int number, siginfo_t *info, void *context, bool was_sent)
{
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    } else if (!was_sent || before.sa_handler == SIG_DFL) {
        signal(SIGBUS, SIG_DFL); /* the same access again, and the end it would have had */
        if (was_sent)
            raise(SIGBUS);
    }
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    bool was_sent = info->si_code <= 0;
    uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
    int kept = errno;

    if (was_sent || !is_in(guarded, address) || black_box_mend(guarded, address) != 0)
        hand_on(number, info, context, was_sent);
    errno = kept;
}

/* Somebody may have put a handler over ours: that one stays. */
static void leave_signal(void)
{
    struct sigaction now;

    if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
        now.sa_sigaction == on_bus_error)
        sigaction(SIGBUS, &before, NULL);
}

/* ---- forks ---- */

static void copy_before_fork(void)
{
    const struct black_box *box = guarded;

    n_copies = box == NULL ? 0 : box->n_parts;
    copied_used = box == NULL ? 0 : box->used;
    for (int i = 0; i < n_copies; i++) {
        size_t size = (size_t)box->parts[i].size;

        copies[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (copies[i] == MAP_FAILED)
            copies[i] = NULL;
        else
            memcpy(copies[i], (void *)(uintptr_t)box->parts[i].address,
                   i == n_copies - 1 ? copied_used : size);
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

/* Of a part that came after the copies were made there is none. */
static int keep_part(const struct black_box_part *part, void *copy)
{
    if (!map_over(part->address, (size_t)part->size))
        _exit(127); /* it would write into its parent's tables */
    if (copy == NULL)
        return 0;
    memcpy((void *)(uintptr_t)part->address, copy, (size_t)part->size);
    return 1;
}

/* The child's box is memory alone: the file is its parent's. */
static void keep_in_child(void)
{
    struct black_box *box = guarded;
    bool is_whole;

    if (box == NULL || n_copies == 0)
        return;
    is_whole = n_copies == box->n_parts && copied_used == box->used;
    for (int i = 0; i < box->n_parts; i++)
        if (!keep_part(&box->parts[i], i < n_copies ? copies[i] : NULL))
            is_whole = false;
    drop_copies(box);
    free(box->path);
    box->path = NULL;
    guarded = NULL;
    leave_signal();
    if (!is_whole && box->lost != NULL)
        box->lost(box->context);
}

/* ---- life ---- */

static pthread_once_t forks_are_seen = PTHREAD_ONCE_INIT;

static void see_forks(void)
{
    (void)pthread_atfork(copy_before_fork, drop_after_fork, keep_in_child);
}

int black_box_guard(struct black_box *box)
{
    struct sigaction ours = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (guarded != NULL)
        return -EBUSY;
    pthread_once(&forks_are_seen, see_forks);
    sigemptyset(&ours.sa_mask);
    if (sigaction(SIGBUS, &ours, &before) != 0)
        return -errno;
    guarded = box;
    return 0;
}

void black_box_unguard(struct black_box *box)
{
    if (guarded != box)
        return;
    guarded = NULL;
    leave_signal();
}
