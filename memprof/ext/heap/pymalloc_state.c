#include "memprof/ext/heap/pymalloc_state.h"

#include <dlfcn.h>
#include <errno.h>
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

/* What sys._debugmallocstats() writes is the one place where Python tells it; here it is written to
 * memory. Looked up: no header of Python promises it. */
int pymalloc_state_read(struct pymalloc_state *state)
{
    int (*write)(FILE * file);
    char *text = NULL;
    size_t length;
    FILE *file;

    *(void **)&write = dlsym(RTLD_DEFAULT, "_PyObject_DebugMallocStats");
    if (write == NULL)
        return -ENOSYS;
    file = open_memstream(&text, &length);
    if (file == NULL)
        return -ENOMEM;
    (void)write(file); /* whether there is something to tell */
    if (fclose(file) != 0) {
        free(text);
        return -ENOMEM;
    }
    state->arenas = number_behind(text, " bytes/arena ");
    state->used = number_behind(text, "# bytes in allocated blocks ");
    free(text);
    return 0;
}
