#include "memprof/ext/heap/code_registry.h"

#include <string.h>

#include "memprof/machine/pages.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define FIRST_SLOTS 1024
#define REMOVED ((const PyCodeObject *)1)

/* ---- memory ---- */

struct chunk {
    struct chunk *before;
    size_t bytes;
};

void code_registry_clear(struct code_registry *registry)
{
    struct chunk *chunk = (struct chunk *)(void *)registry->room, *before;

    for (; chunk != NULL; chunk = before) {
        before = chunk->before;
        pages_unmap(chunk, chunk->bytes);
    }
    pages_unmap(registry->keys, registry->n_slots * sizeof *registry->keys);
    pages_unmap(registry->numbers, registry->n_slots * sizeof *registry->numbers);
    pages_unmap(registry->entries, registry->capacity * sizeof *registry->entries);
    memset(registry, 0, sizeof *registry);
}

/* A copy that lives as long as the registry, or NULL. Of no data: room. */
static void *copy(struct code_registry *registry, const void *data, size_t bytes)
{
    size_t rounded = (bytes + 7) & ~(size_t)7, wanted;
    struct chunk *chunk = (struct chunk *)(void *)registry->room;
    char *at;

    if (chunk == NULL || registry->room_left < rounded) {
        wanted = rounded + sizeof *chunk > CHUNK_BYTES ? pages_round(rounded + sizeof *chunk)
                                                       : CHUNK_BYTES;
        chunk = pages_map(wanted);
        if (chunk == NULL)
            return NULL;
        chunk->before = (struct chunk *)(void *)registry->room;
        chunk->bytes = wanted;
        registry->room = (char *)chunk;
        registry->room_left = wanted - sizeof *chunk;
        registry->bytes += wanted;
    }
    at = (char *)chunk + chunk->bytes - registry->room_left;
    registry->room_left -= rounded;
    return data == NULL ? at : memcpy(at, data, bytes);
}

/* ---- the table ---- */

static uint32_t slot_of(const struct code_registry *registry, const void *address)
{
    uint64_t hash = (uint64_t)(uintptr_t)address * UINT64_C(0x9E3779B97F4A7C15);

    return (uint32_t)(hash >> 32) & (registry->n_slots - 1);
}

/* Where the code stands, or the first free place for it. */
static uint32_t find(const struct code_registry *registry, const void *address)
{
    uint32_t at = slot_of(registry, address);

    while (registry->keys[at] != NULL && registry->keys[at] != address)
        at = (at + 1) & (registry->n_slots - 1);
    return at;
}

static bool grow_table(struct code_registry *registry)
{
    struct code_registry old = *registry;

    registry->n_slots = old.n_slots == 0 ? FIRST_SLOTS : 2 * old.n_slots;
    registry->keys = pages_map(registry->n_slots * sizeof *registry->keys);
    registry->numbers = pages_map(registry->n_slots * sizeof *registry->numbers);
    if (registry->keys == NULL || registry->numbers == NULL) {
        pages_unmap(registry->keys, registry->n_slots * sizeof *registry->keys);
        pages_unmap(registry->numbers, registry->n_slots * sizeof *registry->numbers);
        *registry = old;
        return false;
    }
    registry->n_used = 0;
    for (uint32_t i = 0; i < old.n_slots; i++)
        if (old.keys[i] != NULL && old.keys[i] != REMOVED) {
            uint32_t at = find(registry, old.keys[i]);

            registry->keys[at] = old.keys[i];
            registry->numbers[at] = old.numbers[i];
            registry->n_used++;
        }
    pages_unmap(old.keys, old.n_slots * sizeof *old.keys);
    pages_unmap(old.numbers, old.n_slots * sizeof *old.numbers);
    return true;
}

static bool grow_entries(struct code_registry *registry)
{
    uint32_t capacity = registry->capacity == 0 ? FIRST_SLOTS : 2 * registry->capacity;
    struct code_entry *entries = pages_map(capacity * sizeof *entries);

    if (entries == NULL)
        return false;
    if (registry->entries != NULL)
        memcpy(entries, registry->entries, registry->n_entries * sizeof *entries);
    pages_unmap(registry->entries, registry->capacity * sizeof *entries);
    registry->entries = entries;
    registry->capacity = capacity;
    registry->n_entries += registry->n_entries == 0; /* number 0 is none */
    return true;
}

/* ---- codes ---- */

static bool copy_text(struct code_registry *registry, struct code_text *text, PyObject *string)
{
    text->kind = (uint32_t)PyUnicode_KIND(string);
    text->length = (uint32_t)PyUnicode_GET_LENGTH(string);
    text->data = copy(registry, PyUnicode_DATA(string), (size_t)text->length * text->kind);
    return text->data != NULL;
}

void code_registry_tell_ours(struct code_registry *registry, PyObject *folder, PyObject *launcher)
{
    if (!copy_text(registry, &registry->ours, folder))
        registry->ours.length = 0;
    if (!copy_text(registry, &registry->launcher, launcher))
        registry->launcher.length = 0;
}

/* Whether a name begins with a text; both as the interpreter has them. What stands behind that is
 * in *end, 0: nothing. */
static bool begins_with(PyObject *name, const struct code_text *text, char *end)
{
    const char *data = PyUnicode_DATA(name);
    size_t n = (size_t)text->length * text->kind;

    if (n == 0 || (uint32_t)PyUnicode_KIND(name) != text->kind ||
        PyUnicode_GET_LENGTH(name) < (Py_ssize_t)text->length || memcmp(data, text->data, n) != 0)
        return false;
    *end = data[n]; /* a null character ends every string */
    return true;
}

static bool is_ours(const struct code_registry *registry, PyObject *file)
{
    char end;

    return (begins_with(file, &registry->ours, &end) && end == '/') ||
           (begins_with(file, &registry->launcher, &end) && end == '\0');
}

static bool fill_entry(struct code_registry *registry, struct code_entry *entry, PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030B0000
    PyObject *name = code->co_qualname;
#else
    PyObject *name = code->co_name;
#endif

    entry->first_line = code->co_firstlineno;
    entry->is_ours = is_ours(registry, code->co_filename);
    entry->n_table = (uint32_t)PyBytes_GET_SIZE(code->co_linetable);
    entry->table = copy(registry, PyBytes_AS_STRING(code->co_linetable), entry->n_table);
    return entry->table != NULL && copy_text(registry, &entry->file, code->co_filename) &&
           copy_text(registry, &entry->name, name);
}

uint32_t code_registry_number(struct code_registry *registry, PyCodeObject *code, bool *is_new)
{
    uint32_t at;

    *is_new = false;
    if (4 * (registry->n_used + 1) > 3 * registry->n_slots && !grow_table(registry))
        return 0;
    at = find(registry, code);
    if (registry->keys[at] == code)
        return registry->numbers[at];
    if (registry->n_entries == registry->capacity && !grow_entries(registry))
        return 0;
    if (!fill_entry(registry, &registry->entries[registry->n_entries], code))
        return 0;
    *is_new = true;
    registry->keys[at] = code;
    registry->numbers[at] = registry->n_entries;
    registry->n_used++;
    return registry->n_entries++;
}

/* Of UTF-8; a byte that is none is as Python has what it cannot decode. */
static uint32_t next_character(const unsigned char **at)
{
    static const uint32_t lowest[] = {0x80, 0x80, 0x800, 0x10000};
    uint32_t first = *(*at)++, value;
    int n = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;

    if (first < 0x80)
        return first;
    value = first & (0x3Fu >> n);
    for (int i = 0; i < n; i++) {
        if (((*at)[i] & 0xC0) != 0x80)
            return 0xDC00 + first;
        value = value << 6 | ((*at)[i] & 0x3F);
    }
    if (n == 0 || value < lowest[n] || value >> 11 == 0xD800 >> 11 || value > 0x10FFFF)
        return 0xDC00 + first;
    *at += n;
    return value;
}

static bool copy_path(struct code_registry *registry, struct code_text *text, const char *path)
{
    const unsigned char *at = (const unsigned char *)path;
    uint32_t *data = copy(registry, NULL, strlen(path) * sizeof *data), n = 0;

    while (data != NULL && *at != '\0')
        data[n++] = next_character(&at);
    *text = (struct code_text){data, n, sizeof *data};
    return data != NULL;
}

uint32_t code_registry_library(struct code_registry *registry, const char *path)
{
    struct code_entry entry = {.name = {"mmap", 4, 1}, .is_library = true};
    const struct code_entry *known;

    for (uint32_t i = 0; i < registry->n_libraries; i++) {
        known = &registry->entries[registry->libraries[i]];
        if (strcmp((const char *)known->table, path) == 0)
            return registry->libraries[i];
    }
    if (registry->n_libraries == CODE_LIBRARIES ||
        (registry->n_entries == registry->capacity && !grow_entries(registry)) ||
        !copy_path(registry, &entry.file, path) ||
        (entry.table = copy(registry, path, strlen(path) + 1)) == NULL)
        return 0;
    registry->libraries[registry->n_libraries++] = registry->n_entries;
    registry->entries[registry->n_entries] = entry;
    return registry->n_entries++;
}

bool code_registry_add_thread(struct code_registry *registry)
{
    if (registry->n_entries == registry->capacity && !grow_entries(registry))
        return false;
    registry->thread = registry->n_entries++;
    registry->entries[registry->thread] = (struct code_entry){.file = {"", 0, 1},
                                                              .name = {"thread", 6, 1},
                                                              .is_library = true,
                                                              .table = (const void *)""};
    return true;
}

void code_registry_forget(struct code_registry *registry, const void *address)
{
    uint32_t at;

    if (registry->n_slots == 0)
        return;
    at = find(registry, address);
    if (registry->keys[at] != NULL)
        registry->keys[at] = REMOVED;
}

PyObject *code_text_object(const struct code_text *text)
{
    return PyUnicode_FromKindAndData((int)text->kind, text->data, (Py_ssize_t)text->length);
}

/* ---- lines ---- */

/* The line of each instruction is told one after the other. */
struct line_list {
    int *lines;
    uint32_t n, capacity;
};

static bool append(struct line_list *list, uint32_t n, int line)
{
    uint32_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    int *grown;

    while (capacity < list->n + n)
        capacity *= 2;
    if (list->lines == NULL || list->n + n > list->capacity) {
        grown = PyMem_RawRealloc(list->lines, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        list->lines = grown;
        list->capacity = capacity;
    }
    while (n-- > 0)
        list->lines[list->n++] = line;
    return true;
}

#if PY_VERSION_HEX >= 0x030B0000

/* See Objects/locations.md of CPython. */
static int read_signed(const unsigned char **at, const unsigned char *end)
{
    unsigned int value = 0, shift = 0, byte;

    do {
        if (*at >= end)
            return 0;
        byte = *(*at)++;
        value |= shift < 32 ? (byte & 63) << shift : 0;
        shift += 6;
    } while (byte & 64);
    return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

/* How many bytes end an entry of this kind, after its line: -1 for as many as have bit 7 clear. */
static bool read_table(const struct code_entry *entry, struct line_list *list)
{
    const unsigned char *at = entry->table, *end = entry->table + entry->n_table;
    int line = entry->first_line;

    while (at < end) {
        unsigned int first = *at++, kind = first >> 3 & 15, n = (first & 7) + 1;

        if (kind == 13 || kind == 14)
            line += read_signed(&at, end);
        else if (kind >= 10 && kind <= 12)
            line += (int)kind - 10;
        while (at < end && !(*at & 128)) /* columns; only an entry's first byte has that bit */
            at++;
        if (!append(list, n, kind == 15 ? 0 : line))
            return false;
    }
    return true;
}

#else

static bool read_table(const struct code_entry *entry, struct line_list *list)
{
    int line = entry->first_line;

    for (uint32_t i = 0; i + 1 < entry->n_table; i += 2) {
        uint32_t n = entry->table[i] / 2u;
        int delta = (signed char)entry->table[i + 1];

        line += delta == -128 ? 0 : delta;
        if (!append(list, n, delta == -128 ? 0 : line))
            return false;
    }
    return true;
}

#endif

int *code_entry_lines(const struct code_entry *entry, uint32_t *n)
{
    struct line_list list = {0};

    if (!append(&list, 0, 0) || !read_table(entry, &list)) {
        PyMem_RawFree(list.lines);
        return NULL;
    }
    *n = list.n;
    return list.lines;
}
