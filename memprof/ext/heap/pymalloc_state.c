#include "memprof/ext/heap/pymalloc_state.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The digits behind the '=' that follows `key`, without their commas; 0: none stand there. */
static int64_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    int64_t number = 0;

    at = at == NULL ? NULL : strchr(at, '=');
    if (at == NULL)
        return 0;
    for (at++; *at == ' ' || *at == ',' || (*at >= '0' && *at <= '9'); at++) {
        if (*at >= '0' && *at <= '9' && number < INT64_MAX / 100)
            number = number * 10 + (*at - '0');
    }
    return number;
}

/* Whether pymalloc has blocks: it counts these also while it tells nothing else. */
static bool is_in_use(void)
{
    PyObject *asked = PySys_GetObject("getallocatedblocks"); /* borrowed */
    PyObject *count = asked == NULL ? NULL : PyObject_CallNoArgs(asked);
    bool is_more = count != NULL && PyLong_AsSsize_t(count) > 0;

    Py_XDECREF(count);
    PyErr_Clear();
    return is_more;
}

static PyMemAllocatorEx bare; /* pymalloc's own functions, once they were seen */
static bool is_known;

/* What sys._debugmallocstats() writes is the one place where Python tells it; here it is written to
 * memory, *text, to be freed. Looked up: no header of Python promises it. */
static int write_state(char **text)
{
    int (*write)(FILE * file);
    size_t length;
    FILE *file;

    *(void **)&write = dlsym(RTLD_DEFAULT, "_PyObject_DebugMallocStats");
    if (write == NULL)
        return -ENOSYS;
    file = open_memstream(text, &length);
    if (file == NULL)
        return -ENOMEM;
    (void)write(file); /* whether there is something to tell */
    if (fclose(file) != 0) {
        free(*text);
        return -ENOMEM;
    }
    return 0;
}

/* Python looks whether objects have pymalloc's own functions: for a moment they have. */
static int write_unwrapped(char **text)
{
    PyMemAllocatorEx now;
    int error;

    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &bare);
    error = write_state(text);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return error;
}

void pymalloc_state_learn(void)
{
    char *text = NULL;

    if (is_known || write_state(&text) != 0)
        return;
    is_known = *text != '\0';
    if (is_known)
        PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &bare);
    free(text);
}

int pymalloc_state_read(struct pymalloc_state *state)
{
    char *text = NULL;
    int error = is_known ? write_unwrapped(&text) : write_state(&text);
    bool is_told = error == 0 && *text != '\0';

    if (error != 0)
        return error;
    state->arenas = number_behind(text, " bytes/arena ");
    state->used = number_behind(text, "# bytes in allocated blocks ");
    free(text);
    return is_told || !is_in_use() ? 0 : -EBUSY;
}
