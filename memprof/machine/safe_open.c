#include "memprof/machine/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder that holds the name. 0 or -errno. */
static int stat_folder(const char *path, struct stat *folder)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;

    if (length == 0)
        return stat(".", folder) == 0 ? 0 : -errno;
    if (length >= sizeof name)
        return -ENAMETOOLONG;
    memcpy(name, path, length);
    name[length] = '\0';
    return stat(name, folder) == 0 ? 0 : -errno;
}

int safe_open_is_link(const char *path)
{
    struct stat link, folder;

    if (lstat(path, &link) != 0 || !S_ISLNK(link.st_mode) || stat_folder(path, &folder) != 0)
        return 0;
    /* The rule of Linux's fs.protected_symlinks, which not every system has on. */
    if (link.st_uid == geteuid() || link.st_uid == folder.st_uid ||
        (folder.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
        return 1;
    return -EACCES;
}

int safe_open(const char *path, int flags, mode_t mode)
{
    int is_link = safe_open_is_link(path), fd;

    if (is_link < 0)
        return is_link;
    /* What was no link must not become one now; a link that may be followed cannot be exchanged. */
    fd = open(path, flags | (is_link ? 0 : O_NOFOLLOW), mode);
    if (fd < 0)
        return errno == ELOOP && !is_link ? -EACCES : -errno;
    return fd;
}
