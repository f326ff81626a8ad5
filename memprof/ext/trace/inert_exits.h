/*
 * Exits (yields and returns) before which nothing can have happened: from the start of their line
 * only names and constants were fetched, as in `yield item` or `return total`. Memory there is what
 * it was when the line started, so that no clock and no reading is needed.
 */
#ifndef MEMPROF_EXT_INERT_EXITS_H
#define MEMPROF_EXT_INERT_EXITS_H

/*
 * Sets quiet[i] to 1 where instruction i is such an exit, else to 0. `lines` and `opcodes` have an
 * entry for each of the `n` code units, lines[i] is 0 where there is none. 0, or -ENOMEM.
 */
int inert_exits_find(const int *lines, const unsigned char *opcodes, int n, unsigned char *quiet);

#endif
