/* Where instructions of a log's stacks stand: files, functions and lines. While numbers are made of
 * it, in a pause of the log. */
#ifndef MEMPROF_EXT_ALLOC_PLACES_H
#define MEMPROF_EXT_ALLOC_PLACES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* All zero at first. */
struct alloc_places {
    uint32_t *numbers; /* of a code, from 1 on: its file's, or its function's. Owned, as all here */
    uint32_t n_functions;
    int **lines; /* of a code's instructions, or NULL */
    uint32_t *n_lines;
    bool has_failed; /* no memory for lines */
};

void alloc_places_release(struct alloc_places *places);

/* Gives each code the number of its file: a list of their names, the first for none; NULL with an
 * exception. */
PyObject *alloc_places_files(struct alloc_places *places);

/*
 * Gives each code the number of its function, what has the same name in the same file being one: a
 * list of (number of a file, name), the first for none. *files: a list of names. NULL with an
 * exception.
 */
PyObject *alloc_places_functions(struct alloc_places *places, PyObject **files);

/* See alloc_rows.h, with struct alloc_places as the context: of files and their lines. */
uint64_t alloc_places_of(void *context, uint32_t code, uint32_t offset);

/* Likewise of functions; a thread is a function, behind all others. */
uint64_t alloc_places_of_function(void *context, uint32_t code, uint32_t offset);

#endif
