#include "memprof/ext/trace/inert_exits.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include <errno.h>
#include <opcode.h>
#include <stdlib.h>
#include <string.h>

/* A code that spans more lines is left alone: each line takes an int while exits are looked for. */
#define MOST_LINES (1 << 20)

static bool is_exit(int opcode)
{
    switch (opcode) {
    case YIELD_VALUE:
    case RETURN_VALUE:
#ifdef RETURN_CONST
    case RETURN_CONST:
#endif
        return 1;
    default:
        return 0;
    }
}

/* Instructions that neither make nor free anything, run no code and let no other thread run. */
static bool is_inert(int opcode)
{
    switch (opcode) {
    case NOP:
    case EXTENDED_ARG:
    case LOAD_CONST:
    case LOAD_FAST:
#ifdef LOAD_FAST_LOAD_FAST
    case LOAD_FAST_LOAD_FAST:
#endif
#ifdef LOAD_FAST_BORROW
    case LOAD_FAST_BORROW:
#endif
#ifdef LOAD_FAST_BORROW_LOAD_FAST_BORROW
    case LOAD_FAST_BORROW_LOAD_FAST_BORROW:
#endif
#ifdef LOAD_SMALL_INT
    case LOAD_SMALL_INT:
#endif
        return 1;
    default:
        return 0;
    }
}

static int starts_range(const int *lines, int i)
{
    return i == 0 || lines[i] != lines[i - 1];
}

/*
 * A line whose instructions stand together is only ever entered at their start, by a line event.
 * One in pieces may be entered at a later piece by a jump within the line, of which no event tells.
 */
static void find_in_whole_lines(const int *lines, const unsigned char *opcodes, int n,
                                unsigned char *quiet, const int *n_ranges, int first)
{
    int silent = 0; /* all instructions since the start of the line were quiet */

    for (int i = 0; i < n; i++) {
        if (starts_range(lines, i))
            silent = lines[i] != 0 && n_ranges[lines[i] - first] == 1;
        if (silent && is_exit(opcodes[i]))
            quiet[i] = 1;
        silent = silent && is_inert(opcodes[i]);
    }
}

int inert_exits_find(const int *lines, const unsigned char *opcodes, int n, unsigned char *quiet)
{
    int first = INT_MAX, last = 0, *n_ranges;

    memset(quiet, 0, (size_t)n);
    for (int i = 0; i < n; i++) {
        if (lines[i] == 0)
            continue;
        first = lines[i] < first ? lines[i] : first;
        last = lines[i] > last ? lines[i] : last;
    }
    if (last < first || last - first >= MOST_LINES)
        return 0;
    n_ranges = calloc((size_t)(last - first) + 1, sizeof *n_ranges);
    if (n_ranges == NULL)
        return -ENOMEM;
    for (int i = 0; i < n; i++)
        n_ranges[lines[i] == 0 ? 0 : lines[i] - first] += lines[i] != 0 && starts_range(lines, i);
    find_in_whole_lines(lines, opcodes, n, quiet, n_ranges, first);
    free(n_ranges);
    return 0;
}
