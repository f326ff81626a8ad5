#include "mprof/profile_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memprof/machine/grow.h"

#define PREFIX "mprofile_"
#define PREFIX_LENGTH 9
#define DIGITS 14

bool profile_dir_is_profile(const char *name)
{
    if (strlen(name) != PROFILE_NAME_LENGTH || strncmp(name, PREFIX, PREFIX_LENGTH) != 0)
        return 0;
    for (int i = 0; i < DIGITS; i++)
        if (!isdigit((unsigned char)name[PREFIX_LENGTH + i]))
            return 0;
    return strcmp(name + PREFIX_LENGTH + DIGITS, ".dat") == 0;
}

static int append(struct profile_dir *dir, const char *name)
{
    char **names = grow_double(dir->names, sizeof *names, dir->count + 1, &dir->capacity);

    if (names == NULL)
        return -ENOMEM;
    dir->names = names;
    names[dir->count] = strdup(name);
    if (names[dir->count] == NULL)
        return -ENOMEM;
    dir->count++;
    return 0;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int profile_dir_read(struct profile_dir *dir)
{
    DIR *folder = opendir(".");
    struct dirent *entry;
    int error = 0;

    memset(dir, 0, sizeof *dir);
    if (folder == NULL)
        return -errno;
    while (error == 0 && (entry = readdir(folder)) != NULL)
        if (profile_dir_is_profile(entry->d_name))
            error = append(dir, entry->d_name);
    closedir(folder);
    if (error != 0) {
        profile_dir_release(dir);
        return error;
    }
    if (dir->count > 1)
        qsort(dir->names, dir->count, sizeof *dir->names, compare);
    return 0;
}

void profile_dir_release(struct profile_dir *dir)
{
    for (size_t i = 0; i < dir->count; i++)
        free(dir->names[i]);
    free(dir->names);
    memset(dir, 0, sizeof *dir);
}

const char *profile_dir_find(const struct profile_dir *dir, const char *argument)
{
    struct stat info;
    char *end;
    long index;

    /* A file comes first: it may be called 0. */
    if (stat(argument, &info) == 0 && !S_ISDIR(info.st_mode))
        return argument;
    errno = 0;
    index = strtol(argument, &end, 10);
    if (end == argument || *end != '\0' || errno != 0)
        return NULL;
    if (index < 0)
        index += (long)dir->count;
    return index >= 0 && (size_t)index < dir->count ? dir->names[index] : NULL;
}

void profile_dir_name(time_t when, char name[PROFILE_NAME_LENGTH + 1])
{
    struct tm local;

    localtime_r(&when, &local);
    strftime(name, PROFILE_NAME_LENGTH + 1, PREFIX "%Y%m%d%H%M%S.dat", &local);
}
