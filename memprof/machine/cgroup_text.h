/*
 * Where the control group of a process lies that counts its memory, by what Linux says of it in
 * /proc/PID/cgroup and /proc/PID/mountinfo; and what stands in the files of such a group. Text
 * alone: nothing is opened here, and whatever the text, the answer lies inside it or is none.
 *
 * The memory of a process is counted in version 1 (a hierarchy for each controller), in version 2
 * (one for all), or in version 1 while a version 2 is there as well ("hybrid").
 */
#ifndef MEMPROF_CGROUP_TEXT_H
#define MEMPROF_CGROUP_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The group of a process, as /proc/PID/cgroup names it. */
struct cgroup_name {
    const char *path; /* borrowed: begins with '/', `length` bytes */
    size_t length;
    bool is_v2;
};

/* The folder of a group. */
struct cgroup_place {
    char folder[PATH_MAX];
    size_t top; /* this much of it is the mount point, which may be a group itself */
    bool is_v2;
};

/* Finds the group that counts memory: that of the controller, else of version 2. */
bool cgroup_text_name(const char *cgroup, struct cgroup_name *name);

/*
 * Finds its folder. False: no mount shows it, as where the process is outside of what a container
 * sees; or its path is too long.
 */
bool cgroup_text_place(const char *mountinfo, const struct cgroup_name *name,
                       struct cgroup_place *place);

/* How many groups lie between the mount point and the folder; the folder counts, if it is below. */
size_t cgroup_place_depth(const struct cgroup_place *place);

/* How long the folder of the group is that lies `depth` below the mount point. */
size_t cgroup_place_length(const struct cgroup_place *place, size_t depth);

/* To which depth both lie in the same groups; -1: not even the mount point is the same. */
int cgroup_place_shared(const struct cgroup_place *left, const struct cgroup_place *right);

/* The number of a line "key number". */
bool cgroup_text_value(const char *text, const char *key, int64_t *value);

/* A text that is one number. False for "max" and whatever is none. */
bool cgroup_text_number(const char *text, int64_t *value);

#endif
