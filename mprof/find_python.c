#include "mprof/find_python.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mprof/error_line.h"
#include "mprof/helper.h"
#include "mprof/own_folder.h"

struct search {
    const sigset_t *mask;
    char tried[4 * PATH_MAX]; /* ", "-separated */
};

/* ---- whether it will do ---- */

/* Whether it knows our package; a Python that cannot be asked knows nothing. */
static bool imports_us(const char *python, const sigset_t *mask)
{
    static const char question[] = "import importlib.util as u, sys; "
                                   "sys.exit(u.find_spec('memory_profiler') is None)";
    char *const argv[] = {(char *)(uintptr_t)python, "-c", (char *)(uintptr_t)question, NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), status;
    pid_t pid = null < 0 ? -errno : helper_start(argv, null, null, null, mask);

    status = pid < 0 ? pid : helper_wait(pid);
    if (null >= 0)
        close(null);
    return status == 0;
}

static void note(struct search *search, const char *python)
{
    size_t length = strlen(search->tried);

    snprintf(search->tried + length, sizeof search->tried - length, "%s%s", length == 0 ? "" : ", ",
             python);
}

/* A copy of the name, if it will do. */
static char *try_asking(struct search *search, const char *python)
{
    if (imports_us(python, search->mask))
        return strdup(python);
    note(search, python);
    return NULL;
}

/* The same for one that is at this place, if it is. Most often its own folders tell, which takes
 * less time than a start of it. */
static char *try_at(struct search *search, const char *folder, const char *name)
{
    char file[PATH_MAX], pattern[PATH_MAX];
    glob_t found;
    bool is_ours;

    if (snprintf(file, sizeof file, "%s/%s", folder, name) >= (int)sizeof file ||
        access(file, X_OK) != 0)
        return NULL;
    if (snprintf(pattern, sizeof pattern,
                 "%s/../lib/python*/site-packages/memory_profiler/__init__.py",
                 folder) >= (int)sizeof pattern)
        return NULL;
    is_ours = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
    globfree(&found);
    return is_ours ? strdup(file) : try_asking(search, file);
}

/* ---- where they are ---- */

static char *try_beside(struct search *search)
{
    char folder[PATH_MAX], *found;

    if (!own_folder(folder))
        return NULL;
    found = try_at(search, folder, "python");
    return found != NULL ? found : try_at(search, folder, "python3");
}

/* Cuts the last part of a path off and returns it; "" where nothing is left. */
static char *cut(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL)
        return path + strlen(path);
    *slash = '\0';
    return slash + 1;
}

/* .../lib/python3.12/site-packages/mprof/_bin: python3.12 in .../bin, or else that of PATH. */
static char *try_owner(struct search *search)
{
    static const char inside[] = "-packages/mprof/_bin";
    char folder[PATH_MAX], bin[PATH_MAX + 8], *end, *name, *found;

    if (!own_folder(folder))
        return NULL;
    end = strstr(folder, inside);
    if (end == NULL || end[sizeof inside - 1] != '\0')
        return NULL;
    *end = '\0';
    cut(folder);
    name = cut(folder);
    cut(folder);
    if (strncmp(name, "python", strlen("python")) != 0)
        return NULL;
    snprintf(bin, sizeof bin, "%s/bin", folder);
    found = try_at(search, bin, name);
    return found != NULL ? found : try_asking(search, name);
}

static char *wanted_python(void)
{
    const char *wanted = getenv("MPROF_PYTHON");

    /* `python -m mprof` tells which python that was; the program need not see it. */
    if (wanted == NULL || *wanted == '\0')
        wanted = getenv("MPROF_HOST_PYTHON");
    return wanted == NULL || *wanted == '\0' ? NULL : strdup(wanted);
}

char *find_python(const char *command, const sigset_t *mask)
{
    struct search search = {.mask = mask};
    char *found = wanted_python();

    if (found == NULL)
        found = try_beside(&search);
    if (found == NULL)
        found = try_owner(&search);
    if (found == NULL)
        found = try_asking(&search, "python3");
    if (found == NULL)
        found = try_asking(&search, "python");
    if (found == NULL)
        error_line("mprof %s: no Python that can import memory_profiler: tried %s; "
                   "MPROF_PYTHON names another",
                   command, search.tried);
    return found;
}
