#include "memprof/sampling/child_count.h"

#include <stdbool.h>

#include "memprof/machine/process.h"

#define FIRST_PAUSE_NS INT64_C(10000000)
#define LONGEST_PAUSE_NS INT64_C(1000000000)

/* How many processes are asked for their children in one look. */
#define ASKED_MOST 64

static bool is_known(const struct child_count *children, pid_t pid)
{
    for (size_t i = 0; i < children->count; i++)
        if (children->seen[i] == pid)
            return true;
    return false;
}

static void look(struct child_count *children, pid_t root)
{
    pid_t family[ASKED_MOST] = {root};
    size_t n_family = 1;

    for (size_t i = 0; i < n_family; i++) {
        ssize_t n = process_children(family[i], family + n_family, ASKED_MOST - n_family);

        for (ssize_t k = 0; k < n; k++, n_family++)
            if (!is_known(children, family[n_family]) && children->count < CHILD_COUNT_MOST)
                children->seen[children->count++] = family[n_family];
    }
    children->alive = n_family - 1;
}

void child_count_step(struct child_count *children, pid_t root, int64_t now_ns)
{
    if (now_ns < children->due_ns)
        return;
    look(children, root);
    if (children->pause_ns == 0)
        children->pause_ns = FIRST_PAUSE_NS;
    children->due_ns = now_ns + children->pause_ns;
    if (children->pause_ns < LONGEST_PAUSE_NS)
        children->pause_ns *= 2;
}
