/* Where the running program is. */
#ifndef MPROF_OWN_FOLDER_H
#define MPROF_OWN_FOLDER_H

#include <limits.h>
#include <stdbool.h>

/* Its folder, links resolved; false where the system does not tell it. */
bool own_folder(char folder[PATH_MAX]);

#endif
