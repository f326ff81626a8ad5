/* The tables of commands and options as JSON: manuals and completions are made of it. */
#ifndef MPROF_DESCRIBE_H
#define MPROF_DESCRIBE_H

#include <stddef.h>
#include <stdio.h>

#include "mprof/command.h"

void describe_commands(FILE *out, const struct command *const *commands, size_t count);

#endif
