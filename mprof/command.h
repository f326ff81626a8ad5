/*
 * A subcommand is a poster: its name, options, help and what it does, in one struct at the top of
 * its file. main holds only the table of them.
 */
#ifndef MPROF_COMMAND_H
#define MPROF_COMMAND_H

#include <stddef.h>

enum option_type {
    OPTION_FLAG,   /* int: set to 1 */
    OPTION_TEXT,   /* const char *: the argument */
    OPTION_NUMBER, /* double: the argument, a plain decimal number */
    OPTION_MAYBE,  /* double: the number behind '=', 1 without one */
};

struct option_spec {
    char letter;           /* 'o' for -o, or 0 */
    const char *name;      /* "output" for --output, or NULL */
    enum option_type type; /* what the option takes */
    size_t offset;         /* where its value lies in the command's own struct of values */
    const char *argument;  /* how --help calls the argument ("FILE"), NULL for a flag */
    const char *help;      /* a sentence; lines are broken by --help */
};

/* A row of a table: `member` is where the value lies in a struct `type`. */
#define OPT_FLAG(letter, name, type, member, help)                                                 \
    {                                                                                              \
        letter, name, OPTION_FLAG, offsetof(type, member), NULL, help                              \
    }
#define OPT_TEXT(letter, name, type, member, argument, help)                                       \
    {                                                                                              \
        letter, name, OPTION_TEXT, offsetof(type, member), argument, help                          \
    }
#define OPT_NUMBER(letter, name, type, member, argument, help)                                     \
    {                                                                                              \
        letter, name, OPTION_NUMBER, offsetof(type, member), argument, help                        \
    }

#define OPT_MAYBE(name, type, member, argument, help)                                              \
    {                                                                                              \
        0, name, OPTION_MAYBE, offsetof(type, member), argument, help                              \
    }

/* The end of a command's options. */
#define OPTIONS_END                                                                                \
    {                                                                                              \
        0, NULL, OPTION_FLAG, 0, NULL, NULL                                                        \
    }

struct command {
    const char *name;                         /* "run" */
    const char *arguments;                    /* what follows the options: "program [args...]" */
    const char *summary;                      /* one line for the list of commands */
    const char *notes;                        /* what else --help says, or NULL */
    const struct option_spec *options;        /* ends with OPTIONS_END */
    const struct option_spec *shared_options; /* with other commands, or NULL: listed first */
    int stops_at_argument;                    /* 1: what follows the first argument belongs to it */
    int (*run)(const struct command *self, int argc, char **argv); /* argv[0] is the command */
};

/* What command_parse() returns besides the number of arguments. */
#define COMMAND_HELPED (-1) /* --help or --version was printed: leave with 0 */
#define COMMAND_WRONG (-2)  /* one line said what was wrong: leave with 2 */

/*
 * Reads the options into `values` (the command's own struct, with its defaults already in place).
 * Returns how many arguments remain, and moves them to argv[1]...: argv[1] is the first of them.
 * Combined letters (-MC), -T0.1, --interval=0.1, unambiguous beginnings and -- are understood; a
 * number such as -1 is an argument.
 */
int command_parse(const struct command *self, int argc, char **argv, void *values);

/* The options one after another, those that are shared first; NULL after the last. */
const struct option_spec *command_option(const struct command *self, size_t at);

/* What every command has behind its own: --help and --version. */
#define COMMAND_COMMON 2
extern const struct option_spec command_common[COMMAND_COMMON];

/* The exit status that goes with a negative answer of command_parse(). */
static inline int command_status(int parsed)
{
    return parsed == COMMAND_HELPED ? 0 : 2;
}

/* A decimal number without the locale; the whole text must be one. 0 or -EINVAL. */
int parse_number(const char *text, double *number);

extern const struct command cmd_run;
extern const struct command cmd_attach;
extern const struct command cmd_list;
extern const struct command cmd_rm;
extern const struct command cmd_clean;
extern const struct command cmd_peak;
extern const struct command cmd_plot;
extern const struct command cmd_mark;
extern const struct command cmd_top;
extern const struct command cmd_heap;

#endif
