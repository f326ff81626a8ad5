/*
 * Code objects that stand on stacks which allocate: a number for each, and copies of what tells its
 * lines. No reference is kept (programs see when code dies): the shadow's mark says that a block is
 * code, and its free comes to code_registry_forget().
 *
 * Memory is our own, past malloc(). One user at a time: the writer of the log.
 */
#ifndef MEMPROF_EXT_CODE_REGISTRY_H
#define MEMPROF_EXT_CODE_REGISTRY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#define CODE_LIBRARIES 64

/* Text as the interpreter had it. */
struct code_text {
    const void *data;
    uint32_t length;
    uint32_t kind; /* bytes of a character */
};

struct code_entry {
    struct code_text file, name;
    int first_line;
    bool is_ours;    /* of the profiler */
    bool is_library; /* no code of Python: a library that maps memory; it has no lines */
    uint32_t n_table;
    const unsigned char *table; /* co_linetable; of a library its path, no table */
};

struct code_registry {
    const PyCodeObject **keys;  /* a table by address; owned */
    uint32_t *numbers;          /* beside it */
    uint32_t n_slots, n_used;   /* removed ones included */
    struct code_entry *entries; /* owned; number 0 is none */
    uint32_t n_entries, capacity;
    char *room; /* of texts: a chunk, whose first word leads to the one before */
    size_t room_left;
    size_t bytes; /* of all chunks */
    struct code_text ours, launcher;
    uint32_t n_libraries, libraries[CODE_LIBRARIES]; /* their numbers */
    uint32_t thread; /* the number of what stands for threads in the place of code; 0: nothing */
};

/* All zero is an empty one. */
void code_registry_clear(struct code_registry *registry);

/* Code of files below a folder is the profiler's, and of the file that started it. To be told
 * before the first code. */
void code_registry_tell_ours(struct code_registry *registry, PyObject *folder, PyObject *launcher);

/* The number of a code, which *is_new says was not known. 0 without memory. Never allocates by
 * malloc(), makes no Python object. */
uint32_t code_registry_number(struct code_registry *registry, PyCodeObject *code, bool *is_new);

/* The number of a library as if it were code, with its path as the file. 0 without memory, or where
 * there are too many. */
uint32_t code_registry_library(struct code_registry *registry, const char *path);

/* Makes what stands for threads, without lines; false without memory. */
bool code_registry_add_thread(struct code_registry *registry);

/* The code at this address dies: the next one there is another. */
void code_registry_forget(struct code_registry *registry, const void *address);

/* Number is below n_entries and above 0. */
static inline const struct code_entry *code_registry_entry(const struct code_registry *registry,
                                                           uint32_t number)
{
    return &registry->entries[number];
}

/* A string object with the text, or NULL with an exception. */
PyObject *code_text_object(const struct code_text *text);

/*
 * The line of each instruction of a code, 0: none. A new array of *n, to be freed by
 * PyMem_RawFree(); NULL without memory, with no exception. Reads the table as this Python writes
 * it.
 */
int *code_entry_lines(const struct code_entry *entry, uint32_t *n);

#endif
