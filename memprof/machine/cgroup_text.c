#include "memprof/machine/cgroup_text.h"

#include <string.h>

/* A part of a text. */
struct slice {
    const char *at, *end;
};

static size_t length_of(struct slice slice)
{
    return (size_t)(slice.end - slice.at);
}

static bool is_word(struct slice slice, const char *word)
{
    return length_of(slice) == strlen(word) && memcmp(slice.at, word, strlen(word)) == 0;
}

/* Cuts off what stands before `mark`, or all; the mark is dropped. False at the end. */
static bool cut(struct slice *rest, char mark, struct slice *part)
{
    const char *found;

    if (rest->at == NULL)
        return false;
    found = memchr(rest->at, mark, length_of(*rest));
    part->at = rest->at;
    part->end = found != NULL ? found : rest->end;
    rest->at = found != NULL ? found + 1 : NULL;
    return true;
}

/* Whether `word` is in a list with commas. */
static bool has_word(struct slice list, const char *word)
{
    struct slice part;

    while (cut(&list, ',', &part))
        if (is_word(part, word))
            return true;
    return false;
}

/* ---- /proc/PID/cgroup ---- */

bool cgroup_text_name(const char *cgroup, struct cgroup_name *name)
{
    struct slice text = {cgroup, cgroup + strlen(cgroup)}, line, number, controllers;
    bool found = false;

    /* number:controllers:path; the path may hold colons. */
    while (cut(&text, '\n', &line)) {
        bool is_v2;

        if (!cut(&line, ':', &number) || !cut(&line, ':', &controllers) || line.at == NULL ||
            line.at == line.end || *line.at != '/')
            continue;
        is_v2 = is_word(number, "0") && length_of(controllers) == 0;
        if (!(is_v2 && !found) && !has_word(controllers, "memory"))
            continue;
        *name = (struct cgroup_name){line.at, length_of(line), is_v2};
        found = true;
        /* The controller belongs to one hierarchy: this is the one that counts. */
        if (!is_v2)
            break;
    }
    return found;
}

/* ---- /proc/PID/mountinfo ---- */

struct mount {
    struct slice root, point, type, options;
};

/* id parent device root point options [optional...] - type source superoptions */
static bool parse_mount(struct slice line, struct mount *mount)
{
    struct slice word;

    for (int i = 0; i < 3; i++)
        if (!cut(&line, ' ', &word))
            return false;
    if (!cut(&line, ' ', &mount->root) || !cut(&line, ' ', &mount->point))
        return false;
    do {
        if (!cut(&line, ' ', &word))
            return false;
    } while (!is_word(word, "-"));
    return cut(&line, ' ', &mount->type) && cut(&line, ' ', &word) &&
           cut(&line, ' ', &mount->options);
}

static bool shows_memory(const struct mount *mount, bool is_v2)
{
    return is_v2 ? is_word(mount->type, "cgroup2")
                 : is_word(mount->type, "cgroup") && has_word(mount->options, "memory");
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The next character: \040 is a blank, as the kernel writes it. 0: the end, or none that is safe.
 */
static char next(struct slice *text)
{
    const char *at = text->at;

    if (at == text->end)
        return '\0';
    if (*at == '\\' && text->end - at >= 4 && at[1] <= '3' && is_octal(at[1]) && is_octal(at[2]) &&
        is_octal(at[3])) {
        text->at += 4;
        return (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
    }
    text->at++;
    return *at;
}

/* Whether a group lies in what is mounted; then *below is the rest of its path, "" or "/...". */
static bool is_inside(struct slice root, const struct cgroup_name *name, struct slice *below)
{
    *below = (struct slice){name->path, name->path + name->length};
    while (root.at < root.end) {
        char c = next(&root);

        /* The root of the hierarchy is "/": a path needs nothing before its own '/'. */
        if (c == '/' && root.at == root.end)
            break;
        if (c == '\0' || below->at == below->end || *below->at != c)
            return false;
        below->at++;
    }
    if (length_of(*below) == 1 && *below->at == '/')
        below->at++;
    return below->at == below->end || *below->at == '/';
}

/* A group outside of what a container sees is named by "..": that would lead anywhere. */
static bool leaves(struct slice path)
{
    struct slice part;

    while (cut(&path, '/', &part))
        if (is_word(part, ".."))
            return true;
    return false;
}

static bool write_place(struct slice point, struct slice below, struct cgroup_place *place)
{
    size_t length = 0;

    while (point.at < point.end) {
        char c = next(&point);

        if (c == '\0' || length >= sizeof place->folder - 1)
            return false;
        place->folder[length++] = c;
    }
    if (length == 0 || place->folder[0] != '/' || length_of(below) >= sizeof place->folder - length)
        return false;
    memcpy(place->folder + length, below.at, length_of(below));
    place->folder[length + length_of(below)] = '\0';
    place->top = length;
    return true;
}

bool cgroup_text_place(const char *mountinfo, const struct cgroup_name *name,
                       struct cgroup_place *place)
{
    struct slice text = {mountinfo, mountinfo + strlen(mountinfo)}, line, below;
    struct mount mount;

    place->is_v2 = name->is_v2;
    while (cut(&text, '\n', &line))
        if (parse_mount(line, &mount) && shows_memory(&mount, name->is_v2) &&
            is_inside(mount.root, name, &below) && !leaves(below) &&
            write_place(mount.point, below, place))
            return true;
    return false;
}

/* ---- places ---- */

size_t cgroup_place_depth(const struct cgroup_place *place)
{
    size_t depth = 0;

    for (const char *at = place->folder + place->top; *at != '\0'; at++)
        depth += *at == '/';
    return depth;
}

size_t cgroup_place_length(const struct cgroup_place *place, size_t depth)
{
    const char *at = place->folder + place->top;

    for (; *at != '\0'; at++)
        if (*at == '/' && depth-- == 0)
            break;
    return (size_t)(at - place->folder);
}

int cgroup_place_shared(const struct cgroup_place *left, const struct cgroup_place *right)
{
    size_t depth = cgroup_place_depth(left), other = cgroup_place_depth(right);

    if (left->is_v2 != right->is_v2 || left->top != right->top)
        return -1;
    for (int shared = (int)(depth < other ? depth : other); shared >= 0; shared--) {
        size_t length = cgroup_place_length(left, (size_t)shared);

        if (length == cgroup_place_length(right, (size_t)shared) &&
            memcmp(left->folder, right->folder, length) == 0)
            return shared;
    }
    return -1;
}

/* ---- files of a group ---- */

/* A number and what ends it; one that does not fit is none. */
static bool parse_number(const char *at, int64_t *value)
{
    int64_t number = 0;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        int digit = *at - '0';

        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (*at != '\0' && *at != '\n')
        return false;
    *value = number;
    return true;
}

bool cgroup_text_value(const char *text, const char *key, int64_t *value)
{
    struct slice rest = {text, text + strlen(text)}, line;
    size_t length = strlen(key);

    while (cut(&rest, '\n', &line))
        if (strncmp(line.at, key, length) == 0 && line.at[length] == ' ')
            return parse_number(line.at + length + 1, value);
    return false;
}

bool cgroup_text_number(const char *text, int64_t *value)
{
    return parse_number(text, value);
}
