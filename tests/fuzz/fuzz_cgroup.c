/* libFuzzer: whatever the texts about control groups, a place lies below a mount point and nowhere
 * else, and numbers are those that stand there. */
#include "fuzz.h"

#include <string.h>

#include "memprof/machine/cgroup_text.h"

/* A part of the input as text; a '\1' ends it. */
static char *take_text(const uint8_t **bytes, size_t *length)
{
    const uint8_t *end = *length > 0 ? memchr(*bytes, 1, *length) : NULL;
    size_t size = end != NULL ? (size_t)(end - *bytes) : *length, used = size + (end != NULL);
    char *text = malloc(size + 1);

    check(text != NULL);
    if (size > 0)
        memcpy(text, *bytes, size);
    text[size] = '\0';
    *bytes += used;
    *length -= used;
    return text;
}

static void check_name(const char *text, const struct cgroup_name *name)
{
    const char *end = text + strlen(text);

    check(name->path > text && name->path < end && name->path[0] == '/');
    check(name->length > 0 && name->length <= (size_t)(end - name->path));
    check(memchr(name->path, '\n', name->length) == NULL);
    /* Text that says "memory" nowhere has no version 1. */
    check(name->is_v2 || strstr(text, "memory") != NULL);
}

static bool has_dots(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")) != NULL; at++)
        if (at[3] == '/' || at[3] == '\0')
            return true;
    return false;
}

static void check_place(const struct cgroup_place *place)
{
    size_t length = strlen(place->folder), depth = cgroup_place_depth(place), before = 0;

    check(length < sizeof place->folder && place->folder[0] == '/');
    check(place->top > 0 && place->top <= length);
    check(place->folder[place->top] == '\0' || place->folder[place->top] == '/');
    check(!has_dots(place->folder + place->top));
    for (size_t i = 0; i <= depth; i++) {
        size_t at = cgroup_place_length(place, i);

        check(i == 0 ? at == place->top : at > before);
        before = at;
    }
    check(before == length);
    check(cgroup_place_shared(place, place) == (int)depth);
}

static void check_shared(const struct cgroup_place *left, const struct cgroup_place *right)
{
    int shared = cgroup_place_shared(left, right);
    size_t length;

    check(shared == cgroup_place_shared(right, left));
    if (shared < 0)
        return;
    length = cgroup_place_length(left, (size_t)shared);
    check(length == cgroup_place_length(right, (size_t)shared));
    check(memcmp(left->folder, right->folder, length) == 0);
}

static bool find(const char *text, const char *mounts, struct cgroup_place *place)
{
    struct cgroup_name name;

    if (!cgroup_text_name(text, &name))
        return false;
    check_name(text, &name);
    if (!cgroup_text_place(mounts, &name, place))
        return false;
    check_place(place);
    return true;
}

static void check_values(const char *text)
{
    int64_t value = -1, number = -1;

    if (cgroup_text_value(text, "oom_kill", &value))
        check(value >= 0 && strstr(text, "oom_kill ") != NULL);
    else
        check(value == -1);
    check(cgroup_text_number(text, &number) ? number >= 0 : number == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *group = take_text(&bytes, &length), *other = take_text(&bytes, &length);
    char *mounts = take_text(&bytes, &length);
    struct cgroup_place left, right;

    check_values(group);
    if (find(group, mounts, &left) && find(other, mounts, &right))
        check_shared(&left, &right);
    free(group);
    free(other);
    free(mounts);
    return 0;
}
