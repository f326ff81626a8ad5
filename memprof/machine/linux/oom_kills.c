#include "memprof/machine/oom_kills.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A path in a group's path, and what is put around it. */
#define PATH_SIZE (2 * PATH_MAX)

/* /proc/PID/cgroup: a line for each hierarchy. */
#define GROUPS_SIZE (4 * PATH_MAX)

/* Of a machine with thousands of containers; a longer list of mounts is not read. */
#define MOUNTS_MOST (16 << 20)

/* v2 `memory.events`, v1 `memory.oom_control`: some ten lines. */
#define COUNTS_SIZE 1024

/* ---- files ---- */

/* Reads at most `size` - 1 bytes, and ends them with NUL. How many, or -errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t count = 0;

    if (fd < 0)
        return -errno;
    while (length < size - 1 && (count = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)count;
    if (count < 0)
        count = -errno;
    close(fd);
    text[length] = '\0';
    return count < 0 ? count : (ssize_t)length;
}

/* The list of mounts, to be freed. NULL: it cannot be read, or there is no memory. */
static char *read_mounts(const char *root)
{
    char path[PATH_SIZE], *text = NULL;

    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    for (size_t size = 16384; size <= MOUNTS_MOST; size *= 4) {
        char *larger = realloc(text, size);
        ssize_t length;

        if (larger == NULL)
            break;
        text = larger;
        length = read_file(path, text, size);
        if (length < 0)
            break;
        if ((size_t)length < size - 1)
            return text;
    }
    free(text);
    return NULL;
}

/* Reads `name` of the group that is `depth` below the mount point. */
static bool read_group(const struct oom_kills *kills, const struct cgroup_place *place,
                       size_t depth, const char *name, char text[COUNTS_SIZE])
{
    int length = (int)cgroup_place_length(place, depth);
    char path[PATH_SIZE];
    int size = snprintf(path, sizeof path, "%s%.*s/%s", kills->root, length, place->folder, name);

    return size > 0 && (size_t)size < sizeof path && read_file(path, text, COUNTS_SIZE) >= 0;
}

/* ---- one group ---- */

/* A file that is one number; 0: there is none. */
static int64_t read_number(const struct oom_kills *kills, const struct cgroup_place *place,
                           size_t depth, const char *name)
{
    char text[COUNTS_SIZE];
    int64_t number;

    return read_group(kills, place, depth, name, text) && cgroup_text_number(text, &number) ? number
                                                                                            : 0;
}

/* Not memory.events: that has the hits of groups below as well, whose limits are others. */
static int64_t read_hits_v2(const struct oom_kills *kills, const struct cgroup_place *place,
                            size_t depth)
{
    char text[COUNTS_SIZE];
    int64_t hits;

    return read_group(kills, place, depth, "memory.events.local", text) &&
                   cgroup_text_value(text, "oom", &hits)
               ? hits
               : -1;
}

/*
 * Charges that failed, and one more when the limit was reached for the first time: where the limit
 * of memory and swap is the same that one is hit, which Linux 6.18 counts nowhere.
 */
static int64_t read_hits_v1(const struct oom_kills *kills, const struct cgroup_place *place,
                            size_t depth)
{
    int64_t failed = read_number(kills, place, depth, "memory.failcnt");
    int64_t most = read_number(kills, place, depth, "memory.max_usage_in_bytes");
    int64_t limit = read_number(kills, place, depth, "memory.limit_in_bytes");

    return failed < INT64_MAX && most > 0 && most >= limit ? failed + 1 : failed;
}

static struct oom_counts read_counts(const struct oom_kills *kills,
                                     const struct cgroup_place *place, size_t depth)
{
    struct oom_counts counts = {-1, -1, -1};
    char text[COUNTS_SIZE];

    if (!read_group(kills, place, depth, place->is_v2 ? "memory.events" : "memory.oom_control",
                    text) ||
        !cgroup_text_value(text, "oom_kill", &counts.kills))
        return counts;
    counts.hits =
        place->is_v2 ? read_hits_v2(kills, place, depth) : read_hits_v1(kills, place, depth);
    counts.hits_before = counts.hits;
    return counts;
}

/* Bytes; 0: none. */
static int64_t read_limit(const struct oom_kills *kills, const struct cgroup_place *place,
                          size_t depth)
{
    int64_t limit =
        read_number(kills, place, depth, place->is_v2 ? "memory.max" : "memory.limit_in_bytes");

    /* Without one version 1 says the largest number of pages: close to 2^63 bytes. */
    return limit < INT64_C(1) << 62 ? limit : 0;
}

/* ---- the chain ---- */

static void read_chain(const struct oom_kills *kills, struct oom_chain *chain)
{
    size_t deepest = cgroup_place_depth(&chain->place);

    for (size_t depth = 0; depth <= deepest; depth++)
        chain->counts[depth] = read_counts(kills, &chain->place, depth);
}

/*
 * How much the count has risen, by the deepest group that tells it: those above count what happened
 * elsewhere as well. In version 1 they count nothing of the group itself.
 */
static int64_t new_kills(const struct oom_chain *before, const struct oom_chain *now, int deepest)
{
    int least = before->place.is_v2 ? 0 : deepest;

    for (int depth = deepest; depth >= least; depth--)
        if (before->counts[depth].kills >= 0 && now->counts[depth].kills >= 0)
            return now->counts[depth].kills - before->counts[depth].kills;
    return 0;
}

/*
 * The limit that was hit: of a group whose count of hits has risen. Where none has, the machine as
 * a whole was out of memory. The count of the look before the last is compared: that of version 1
 * rises when memory is first reclaimed, and a look may lie between this and the kill.
 */
static int64_t limit_hit(const struct oom_kills *kills, const struct oom_chain *now, int deepest)
{
    for (int depth = deepest; depth >= 0; depth--) {
        int64_t before = kills->chain.counts[depth].hits_before;

        if (before >= 0 && now->counts[depth].hits > before)
            return read_limit(kills, &now->place, (size_t)depth);
    }
    return 0;
}

static void remember_hits(const struct oom_chain *before, struct oom_chain *now, int deepest)
{
    for (int depth = 0; depth <= deepest; depth++)
        now->counts[depth].hits_before = before->counts[depth].hits;
}

static void compare(const struct oom_kills *kills, const struct oom_chain *now, int deepest,
                    struct oom_news *news)
{
    int64_t risen = deepest < 0 ? 0 : new_kills(&kills->chain, now, deepest);

    if (risen > 0)
        *news = (struct oom_news){risen, limit_hit(kills, now, deepest)};
}

/* ---- where the process is ---- */

/* Its group, if that is another one than before. False: it is not, or cannot be told. */
static bool find_moved(struct oom_kills *kills, pid_t pid, struct cgroup_place *place)
{
    char path[PATH_SIZE], text[GROUPS_SIZE], whose[16] = "self", *mounts;
    struct cgroup_name name;
    bool found;

    if (pid != 0)
        snprintf(whose, sizeof whose, "%ld", (long)pid);
    snprintf(path, sizeof path, "%s/proc/%s/cgroup", kills->root, whose);
    if (read_file(path, text, sizeof text) < 0 || !cgroup_text_name(text, &name) ||
        name.length >= sizeof kills->group)
        return false;
    if (strlen(kills->group) == name.length && memcmp(kills->group, name.path, name.length) == 0)
        return false;
    mounts = read_mounts(kills->root);
    found = mounts != NULL && cgroup_text_place(mounts, &name, place) &&
            cgroup_place_depth(place) <= OOM_DEPTH;
    free(mounts);
    if (!found)
        return false;
    memcpy(kills->group, name.path, name.length);
    kills->group[name.length] = '\0';
    return true;
}

int oom_kills_init(struct oom_kills *kills, const char *root, pid_t pid)
{
    memset(kills, 0, sizeof *kills);
    kills->root = root;
    if (!find_moved(kills, pid, &kills->chain.place))
        return -ENOENT;
    read_chain(kills, &kills->chain);
    return 0;
}

void oom_kills_look(struct oom_kills *kills, pid_t pid, struct oom_news *news)
{
    struct oom_chain moved, now = {.place = kills->chain.place};
    int deepest = (int)cgroup_place_depth(&now.place);
    bool has_moved = pid != 0 && find_moved(kills, pid, &moved.place);

    *news = (struct oom_news){0, 0};
    read_chain(kills, &now);
    /* In version 1 the group that was left tells; a process that has ended seems to be at the top
     * there. In version 2 what both have around them tells, and what is in the new one alone not.
     */
    if (has_moved && now.place.is_v2)
        deepest = cgroup_place_shared(&now.place, &moved.place);
    compare(kills, &now, deepest, news);
    remember_hits(&kills->chain, &now, deepest);
    if (has_moved)
        read_chain(kills, &moved);
    kills->chain = has_moved ? moved : now;
}

int64_t oom_kills_limit(const struct oom_kills *kills)
{
    const struct cgroup_place *place = &kills->chain.place;
    size_t deepest = cgroup_place_depth(place);
    int64_t least = 0;

    for (size_t depth = 0; depth <= deepest; depth++) {
        int64_t limit = read_limit(kills, place, depth);

        if (limit > 0 && (least == 0 || limit < least))
            least = limit;
    }
    return least;
}

void oom_kills_spare_me(void)
{
    /* OOM_SCORE_ADJ_MIN: never. */
    static const char never[] = "-1000";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)!write(fd, never, sizeof never - 1);
    close(fd);
}
