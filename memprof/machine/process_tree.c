#include "memprof/machine/process_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memprof/machine/grow.h"

/* In this order: spread() hands on FAMILY and what is above it. */
enum kinship { STRANGER, UNKNOWN, FAMILY, LEFT_OUT };

struct process_known {
    pid_t pid, parent;
    uint64_t stamp, start;
    enum kinship kinship;
};

int process_tree_init(struct process_tree *tree, pid_t root, pid_t left_out, const char *variable)
{
    struct process_info info;
    int error;

    memset(tree, 0, sizeof *tree);
    error = process_read(root, &info);
    if (error != 0)
        return error;
    tree->root = (struct process_id){root, info.start};
    tree->left_out = left_out;
    tree->variable = variable;
    return 0;
}

void process_tree_release(struct process_tree *tree)
{
    process_list_release(&tree->list);
    free(tree->known);
    free(tree->added);
    memset(tree, 0, sizeof *tree);
}

static struct process_known *find(struct process_known *known, size_t count, pid_t pid)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (known[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && known[low].pid == pid ? &known[low] : NULL;
}

/* Who stands behind an entry: `before`, if it is still that process, or somebody new. */
static int identify(const struct process_tree *tree, const struct process_entry *entry,
                    const struct process_known *before, struct process_known *now)
{
    struct process_info info;
    int error;

    /* The same stamp saves reading who the process is: a scan meets every process of the system. */
    if (before != NULL && entry->stamp != 0 && before->stamp == entry->stamp) {
        *now = *before;
        return 0;
    }
    error = process_read(entry->pid, &info);
    if (error != 0)
        return error;
    *now = (struct process_known){entry->pid, info.parent, entry->stamp, info.start, UNKNOWN};
    /* A stamp may be unknown (0); the start is the last word. */
    if (before != NULL && before->start == info.start)
        now->kinship = before->kinship;
    else if (entry->pid == tree->root.pid)
        now->kinship = info.start == tree->root.start ? FAMILY : STRANGER;
    else if (entry->pid == tree->left_out)
        now->kinship = LEFT_OUT;
    return 0;
}

/* Gives the unknown the kinship of their parents, as long as one is found. */
static void spread(struct process_known *known, size_t count)
{
    int changed;

    /* One pass may not do: a parent can have a larger pid than its child, once pids wrapped. */
    do {
        changed = 0;
        for (size_t i = 0; i < count; i++) {
            const struct process_known *parent;

            if (known[i].kinship != UNKNOWN)
                continue;
            parent = find(known, count, known[i].parent);
            if (parent != NULL && parent->kinship >= FAMILY) {
                known[i].kinship = parent->kinship;
                changed = 1;
            }
        }
    } while (changed);
}

/* Those who have lost their parents are asked themselves; the rest are strangers for good. */
static void ask_orphans(const struct process_tree *tree, struct process_known *known, size_t count)
{
    int found = 0;

    for (size_t i = 0; i < count; i++)
        /* Who is older than the root cannot descend from it: its environment is not read. */
        if (known[i].kinship == UNKNOWN && tree->variable != NULL &&
            known[i].start >= tree->root.start &&
            process_has_variable(known[i].pid, tree->variable)) {
            known[i].kinship = FAMILY;
            found = 1;
        }
    if (found)
        spread(known, count);
    for (size_t i = 0; i < count; i++)
        if (known[i].kinship == UNKNOWN)
            known[i].kinship = STRANGER;
}

static int add(struct process_tree *tree, const struct process_known *known)
{
    struct process_id *added =
        grow_double(tree->added, sizeof *added, tree->n_added + 1, &tree->added_capacity);

    if (added == NULL)
        return -ENOMEM;
    tree->added = added;
    added[tree->n_added++] = (struct process_id){known->pid, known->start};
    return 0;
}

/* Lists the members of the family that `tree->known` did not hold. */
static int list_added(struct process_tree *tree, const struct process_known *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct process_known *before;
        int error;

        if (known[i].kinship != FAMILY || known[i].pid == tree->root.pid)
            continue;
        before = find(tree->known, tree->n_known, known[i].pid);
        if (before != NULL && before->start == known[i].start && before->kinship == FAMILY)
            continue;
        error = add(tree, &known[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

int process_tree_scan(struct process_tree *tree)
{
    struct process_known *known;
    size_t count = 0;
    int error = process_list_read(&tree->list);

    tree->n_added = 0;
    if (error != 0)
        return error;
    /* One more: malloc(0) may return NULL, which would look like no memory. */
    known = malloc((tree->list.count + 1) * sizeof *known);
    if (known == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < tree->list.count; i++) {
        const struct process_entry *entry = &tree->list.entries[i];

        /* A process that cannot be read has ended since the list was made: it is left out. */
        if (identify(tree, entry, find(tree->known, tree->n_known, entry->pid), &known[count]) == 0)
            count++;
    }
    spread(known, count);
    ask_orphans(tree, known, count);
    error = list_added(tree, known, count);
    free(tree->known);
    tree->known = known;
    tree->n_known = count;
    return error;
}
