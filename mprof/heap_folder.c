#include "mprof/heap_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/process.h"
#include "mprof/error_line.h"

#define VARIABLE "MPROF_HEAP"

int heap_folder_none(void)
{
    return unsetenv(VARIABLE);
}

static int tell(const char *name, bool of_all)
{
    char text[PATH_MAX + 32];

    /* See python/memory_profiler/_heap_watch.py. */
    snprintf(text, sizeof text, "%lld:%s", of_all ? 0 : (long long)getpid(), name);
    return setenv(VARIABLE, text, 1);
}

char *heap_folder_make(bool of_all)
{
    const char *parent = getenv("TMPDIR");
    char name[PATH_MAX];

    /* A program may leave the folder in which it begins. */
    if (parent == NULL || *parent != '/')
        parent = "/tmp";
    if (snprintf(name, sizeof name, "%s/mprof-heap-XXXXXX", parent) >= (int)sizeof name ||
        mkdtemp(name) == NULL) {
        error_line("mprof run: --heap: cannot make a folder in %s: %s", parent, strerror(errno));
        return NULL;
    }
    if (tell(name, of_all) == 0)
        return strdup(name);
    (void)rmdir(name);
    return NULL;
}

void heap_folder_remove(char *name)
{
    DIR *folder = name != NULL ? opendir(name) : NULL;
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        (void)unlinkat(dirfd(folder), entry->d_name, 0); /* "." and ".." stay */
    if (folder != NULL)
        closedir(folder);
    if (name != NULL)
        (void)rmdir(name);
    free(name);
}

int heap_folder_of(pid_t pid)
{
    char text[PATH_MAX + 32], *name;
    ssize_t length = process_variable(pid, VARIABLE, text, sizeof text);
    struct stat info;
    int fd;

    if (length < 0)
        return (int)length;
    name = strchr(text, ':');
    if (name == NULL || name[1] != '/')
        return -ENOENT;
    fd = open(name + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &info) == 0 && (info.st_mode & 077) == 0 &&
        (info.st_uid == geteuid() || geteuid() == 0))
        return fd;
    close(fd);
    return -EPERM;
}
