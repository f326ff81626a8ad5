/* bin/mprof of a wheel: becomes the mprof inside the package, where nobody else's replaces it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mprof/error_line.h"
#include "mprof/own_folder.h"

/* Where an installer puts packages, seen from its bin. */
static const char *const places[] = {
    "../lib/" MPROF_PYTHON_FOLDER "/site-packages",
    "../lib64/" MPROF_PYTHON_FOLDER "/site-packages",
    "../lib/" MPROF_PYTHON_FOLDER "/dist-packages", /* Debian's own Python, below /usr/local */
    "../lib/python/site-packages",                  /* pip install --user on macOS */
    "..",                                           /* pip install --target */
};

int main(int argc, char **argv)
{
    char folder[PATH_MAX], program[PATH_MAX];

    if (argc == 0 || !own_folder(folder)) {
        error_line("mprof: cannot tell where it is: is /proc there? python -m mprof does the same");
        return 1;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (snprintf(program, sizeof program, "%s/%s/mprof/_bin/mprof", folder, places[i]) >=
            (int)sizeof program)
            continue;
        execv(program, argv);
        if (errno != ENOENT && errno != ENOTDIR) {
            error_line("mprof: cannot start %s: %s", program, strerror(errno));
            return 1;
        }
    }
    error_line("mprof: its package is not beside %s: python -m pip install --force-reinstall "
               "memprof-native",
               folder);
    return 1;
}
