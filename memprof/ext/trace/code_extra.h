/*
 * What we keep with a code object (co_extra): it dies with the code. Its first part is a struct
 * line_code, which is all that events need; line_code_*() here find and read it.
 */
#ifndef MEMPROF_EXT_CODE_EXTRA_H
#define MEMPROF_EXT_CODE_EXTRA_H

#include <stdbool.h>

#include "memprof/ext/base/module_state.h"

/* Bytes of one instruction: offsets divided by this index line_code.lines. */
#define CODE_UNIT 2

struct code_extra {
    struct line_code lines;      /* what the tables need to know; the first member */
    struct module_state *state;  /* counted: code may outlive all else */
    PyObject *code;              /* whose extra it is: borrowed */
    struct call_function *calls; /* of the view `calls_of`; NULL: not counted there */
    uint64_t calls_of;           /* number of a call view; 0: none has seen the code */
    struct code_extra *next_sender, **back_sender; /* of code that sends events (3.12) */
};

static inline struct code_extra *code_extra_of(const struct line_code *code)
{
    return (struct code_extra *)code;
}

/* Asks the interpreter for a place in code objects. -1 with an exception. */
int code_extra_init(struct module_state *state);

/* The line_code in a code object's extra, or NULL. Borrowed from the code. Never fails. */
struct line_code *line_code_find(const struct module_state *state, PyObject *code);

/* The same for events: a compare where the code is that of the event before. */
static inline struct line_code *line_code_recall(struct module_state *state, PyObject *code)
{
    if (state->last_code != code) {
        state->last_line_code = line_code_find(state, code);
        state->last_code = code;
    }
    return state->last_line_code;
}

/*
 * Fast look-up: what is known of `code`, if that is the code of the event before and has no spans;
 * else NULL, and the caller uses line_code_recall().
 */
static inline const struct line_code *line_code_recall_same(const struct module_state *state,
                                                            PyObject *code)
{
    const struct line_code *extra = state->last_line_code;

    return state->last_code == code && extra != NULL && extra->watches != NULL &&
                   extra->spans == NULL
               ? extra
               : NULL;
}

/* Watching has changed: look-ups of before mean nothing. */
static inline void code_extra_forget_last(struct module_state *state)
{
    state->last_code = NULL;
}

/* The same, made if need be; without the lines of its instructions, unless they were asked for
 * before. Borrowed; NULL with an exception. */
struct line_code *line_code_make_bare(struct module_state *state, PyObject *code);

/* With them. */
struct line_code *line_code_make(struct module_state *state, PyObject *code);

/* Whether anybody wants to know of this code. */
static inline bool line_code_is_wanted(const struct line_code *code)
{
    return code != NULL && (code->watches != NULL || code->spans != NULL);
}

/* The last line of a code object, or -1 with an exception. */
int code_extra_last_line(PyObject *code);

/* The line of the instruction at a byte offset, 0 for none. */
static inline int line_code_line_at(const struct line_code *code, Py_ssize_t offset)
{
    Py_ssize_t at = offset / CODE_UNIT;

    return at < 0 || at >= code->n_lines ? 0 : code->lines[at];
}

/* The line of the exit at a byte offset, if it is inert (inert_exits.h); else 0. */
static inline int line_code_inert_line_at(const struct line_code *code, Py_ssize_t offset)
{
    Py_ssize_t at = offset / CODE_UNIT;

    return at < 0 || at >= code->n_lines || !code->inert_exits[at] ? 0 : code->lines[at];
}

/* The frame on top, of this code, ends or is suspended at a byte offset. */
static inline void line_code_leave_top(struct line_stack *stack, const struct line_code *code,
                                       Py_ssize_t offset, enum line_leave how)
{
    int line = how == LINE_UNWIND ? 0 : line_code_inert_line_at(code, offset);

    if (line != 0)
        line_event_leave_inert(stack, how, line);
    else
        line_event_leave_top(stack, how);
}

/*
 * A jump within a line leads back to `to`: between its event and an exit after that the interpreter
 * may let a signal handler or the collector run, so the exit is not inert.
 */
static inline void line_code_forget_inert_exits(const struct line_code *code, Py_ssize_t to,
                                                Py_ssize_t from)
{
    for (Py_ssize_t at = to / CODE_UNIT; at <= from / CODE_UNIT && at < code->n_lines; at++)
        code->inert_exits[at] = 0;
}

#endif
