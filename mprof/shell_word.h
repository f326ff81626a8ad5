/* Names in lines that are meant to be pasted into a shell. */
#ifndef MPROF_SHELL_WORD_H
#define MPROF_SHELL_WORD_H

/*
 * The name of a file as one word of a shell's language, which no command takes for an option: as it
 * is, in '', or in $'' where something in it could not be seen. To be freed. NULL: no memory.
 */
char *shell_word(const char *name);

#endif
