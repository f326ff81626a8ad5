#include "mprof/own_folder.h"

#include <string.h>

#include "memprof/machine/process.h"

bool own_folder(char folder[PATH_MAX])
{
    char *slash;

    if (process_own_path(folder, PATH_MAX) < 0)
        return false;
    slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}
