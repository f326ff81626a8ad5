/* The command line that runs a Python program with its function marks recorded. */
#ifndef MPROF_PYTHON_COMMAND_H
#define MPROF_PYTHON_COMMAND_H

#include <stdbool.h>

/* Whether the first argument names a Python script. */
bool python_command_is_script(const char *program);

/* Whether there is a file of that name, as given or below a folder of PATH. */
bool python_command_finds_script(const char *name);

/* Whether the first argument is an interpreter itself. */
bool python_command_has_python(const char *program);

/*
 * PYTHON [its options] -m memory_profiler --timestamp -o FILE [--include-children] and what the
 * program was, in a new array; all words are borrowed. `python` runs a program that does not start
 * with an interpreter. NULL: no memory.
 */
char **python_command_build(char *python, char *const program[], const char *file,
                            int include_children);

/* The same without what is put in: the interpreter and the program, as CMDLINE shows it. */
char **python_command_plain(char *python, char *const program[]);

#endif
