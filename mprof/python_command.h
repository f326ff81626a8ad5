/* The command line that runs a Python program with its function marks recorded. */
#ifndef MPROF_PYTHON_COMMAND_H
#define MPROF_PYTHON_COMMAND_H

#include <stdbool.h>

/* Whether the first argument names a Python script. */
bool python_command_is_script(const char *program);

/*
 * PYTHON [its options] -m memory_profiler --timestamp -o FILE [--include-children] and what the
 * program was, in a new array. Where `program` does not start with an interpreter, it is the one
 * beside mprof, else the first python3 or python on PATH; MPROF_PYTHON overrides. NULL: no memory.
 */
char **python_command_build(char *const program[], const char *file, int include_children);

/*
 * The same without what is put in: the interpreter and the program, as CMDLINE shows it. The words
 * of the program are shared.
 */
char **python_command_plain(char *const program[]);

/* Frees what one of the two returned for this program. NULL is nothing. */
void python_command_free(char **command, char *const program[]);

#endif
