/* The private folder in which `mprof heap PID` asks programs that `mprof run --heap` has started.
 */
#ifndef MPROF_HEAP_FOLDER_H
#define MPROF_HEAP_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes it and tells what is started of it: the program alone, or all below. Its name, to be freed;
 * NULL after one line. */
char *heap_folder_make(bool of_all);

/* What is started is told of none. 0 or -1. */
int heap_folder_none(void);

/* Removes it with what lies in it, and frees the name; NULL is none. */
void heap_folder_remove(char *name);

/* That of a process: a descriptor of the folder, -ENOENT where the process was told of none, or
 * -errno: -EPERM where it is not its user's alone. */
int heap_folder_of(pid_t pid);

#endif
