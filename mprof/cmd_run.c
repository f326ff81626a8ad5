#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mprof/attach.h"
#include "mprof/child.h"
#include "mprof/command.h"
#include "mprof/error_line.h"
#include "mprof/find_python.h"
#include "mprof/heap_folder.h"
#include "mprof/progress.h"
#include "mprof/python_command.h"
#include "mprof/recorder.h"
#include "mprof/signal_relay.h"
#include "mprof/type_request.h"

struct run_options {
    struct record_options record;
    int python, no_python, exit_code, attach, heap;
    double types; /* seconds */
};

_Static_assert(offsetof(struct run_options, record) == 0, "the shared options come first");

static int run(const struct command *self, int argc, char **argv);

static const struct option_spec options[] = {
    OPT_FLAG('E', "exit-code", struct run_options, exit_code,
             "Exit as the program does: with its status, or 128 + the signal that ended it."),
    OPT_FLAG(0, "python", struct run_options, python,
             "The program is a Python one (a script, a module, or an interpreter and what it "
             "runs): record "
             "the functions it marks as well. A name that ends in .py needs no --python."),
    OPT_FLAG(0, "nopython", struct run_options, no_python,
             "Run a script as any other program, without function marks."),
    OPT_MAYBE(
        "types", struct run_options, types, "S",
        "Record as well which types of Python objects have the most bytes, every S seconds (1), "
        "for a hundredth of the time at most: mprof plot -o page.html lists them, mprof peak "
        "--types what grew. Of the program; with -C or -M of each Python that it starts."),
    OPT_FLAG(0, "heap", struct run_options, heap,
             "Let mprof heap PID ask the program while it runs what lives on its heap; with -C or "
             "-M each Python that it starts."),
    OPT_FLAG('a', "attach", struct run_options, attach,
             "The argument is a process that runs already: the same as mprof attach."),
    OPTIONS_END,
};

const struct command cmd_run = {
    .name = "run",
    .arguments = "program [arguments...]",
    .summary = "Run a program and record its memory.",
    .notes = RECORD_NOTES
    "Where the program ends by a signal or with a status other than 0 the last line says so, "
    "and a line\nbefore it names the marked functions that it was in since 0.2 s or longer.\n"
    "\nThe program finds the name of the profile in MPROF_OUTPUT, and can mark what "
    "it does there:\nsee mprof mark --help.\n",
    .options = options,
    .shared_options = record_option_table,
    .stops_at_argument = 1,
    .run = run,
};

/* Everything one run needs, so that it can be let go in one place. */
struct run {
    const struct run_options *options;
    struct recorder recorder;
    struct signal_relay relay;
    struct child_state state;
    struct child_wait watch;
    sigset_t signals;
    char *heap_folder; /* owned; NULL: nobody can ask */
    char *python;      /* that runs a program which names none; NULL: none is needed */
    char **command;
    char *variable; /* MPROF_OUTPUT=path */
};

static bool is_python(const struct run_options *values, const char *program)
{
    return values->python || (!values->no_python && python_command_is_script(program));
}

/* What is executed, and what CMDLINE says; the plain form is freed here. */
static int prepare_command(struct run *run, char **program)
{
    bool python = is_python(run->options, program[0]);
    char **plain = python ? python_command_plain(run->python, program) : program;
    int status;

    if (plain == NULL)
        return 1;
    run->command = python ? python_command_build(run->python, program, run->recorder.path,
                                                 run->options->record.sum)
                          : program;
    status = run->command == NULL ? 1 : recorder_announce(&run->recorder, plain);
    if (status == 0)
        recorder_say(&run->recorder, python ? "running new process\nrunning as a Python program..."
                                            : "running new process");
    if (python)
        free(plain);
    return status;
}

/* The name of the file for the program and its descendants, by which lost ones are known too. */
static int set_variable(struct run *run)
{
    size_t size = sizeof "MPROF_OUTPUT=" + strlen(run->recorder.path);
    bool of_all = run->options->record.sum || run->options->record.each;

    run->variable = malloc(size);
    if (run->variable == NULL)
        return 1;
    snprintf(run->variable, size, "MPROF_OUTPUT=%s", run->recorder.path);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): owned by the run, freed with it */
    unsetenv("MPROF_HOST_PYTHON");
    /* Who would set the HWM back as well (--peak of the line profiler) has to know. */
    if (run->options->record.spikes ? setenv("MPROF_SPIKES", "1", 1) : unsetenv("MPROF_SPIKES"))
        return 1;
    if (type_request_set(run->options->types, of_all) != 0 || heap_folder_none() != 0)
        return 1;
    if (run->options->heap && (run->heap_folder = heap_folder_make(of_all)) == NULL)
        return 1;
    return setenv("MPROF_OUTPUT", run->recorder.path, 1) == 0 ? 0 : 1;
}

static int cannot_run(const char *program, int error)
{
    /* A name without a folder is looked up on PATH alone, whatever lies here. */
    if (error == -ENOENT && strchr(program, '/') == NULL && *program != '\0' &&
        access(program, F_OK) == 0) {
        error_line("mprof: cannot run %s: it is in no folder of PATH; the one here is ./%s, and "
                   "run --python %s takes a Python program",
                   program, program, program);
        return 1;
    }
    error_line("mprof: cannot run %s: %s", error_line_name(program), strerror(-error));
    return 1;
}

/* Samples the running program to its end and collects it. */
static int record(struct run *run, pid_t pid, int64_t inherited)
{
    struct process_end end;
    int error = recorder_start(&run->recorder, pid, 0, run->variable), status;

    if (error != 0)
        (void)recorder_cannot_read("the program", error);
    /* Without samples, too: signals are handed on. */
    status = child_wait_init(&run->watch, pid, &run->signals, -1);
    if (status == 0) {
        (void)recorder_run(&run->recorder, &run->watch, &run->relay);
        child_wait_release(&run->watch);
        /* -ESRCH: the program has ended already, which is no fault. */
    } else if (status != -ESRCH && error == 0) {
        (void)recorder_cannot_read("the program", status);
    }
    /* Only now: until it is collected no other process can get its pid. */
    if (process_collect(pid, inherited, &end) != 0)
        return 1;
    if (error == 0)
        recorder_finish(&run->recorder, &end);
    if (error == 0 && !run->options->record.quiet)
        type_request_report(run->options->types, &run->recorder.writer);
    status = error == 0 ? recorder_report(&run->recorder, &end) : 1;
    if (!run->options->exit_code)
        return status;
    return WIFSIGNALED(end.status) ? 128 + WTERMSIG(end.status) : WEXITSTATUS(end.status);
}

static int run_program(struct run *run, char **program)
{
    int status = prepare_command(run, program);
    int64_t inherited;
    pid_t pid;

    if (status != 0 || set_variable(run) != 0) {
        recorder_release(&run->recorder, 0);
        return 1;
    }
    /* Without a witness every signal is passed on, which is right but for doubles. */
    (void)signal_relay_init(&run->relay);
    pid = child_spawn(run->command, &run->state, &inherited);
    status = pid > 0 ? record(run, pid, inherited) : cannot_run(run->command[0], pid);
    signal_relay_release(&run->relay);
    /* A program that never ran leaves no profile. */
    recorder_release(&run->recorder, pid > 0);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct run_options values = {.record = RECORD_DEFAULTS, .types = TYPES_NOT_ASKED};
    struct run run = {.options = &values};
    int parsed = command_parse(self, argc, argv, &values), status;

    if (parsed < 0)
        return command_status(parsed);
    if (type_request_check(values.types) != 0)
        return 2;
    if (values.attach && (values.types != TYPES_NOT_ASKED || values.heap)) {
        error_line("mprof run: --%s asks a program that mprof starts, --attach means another",
                   values.heap ? "heap" : "types");
        return 2;
    }
    if (values.attach)
        return attach_process(self, &values.record, argv + 1, parsed);
    if (parsed == 0) {
        printf("A program to run must be provided. Use -h for help\n");
        return 1;
    }
    if (is_python(&values, argv[1]) && python_command_is_script(argv[1]) &&
        !python_command_finds_script(argv[1]))
        return cannot_run(argv[1], -ENOENT);
    signal_relay_set(&run.signals);
    progress_add_signal(progress_is_wanted(&values.record), &run.signals);
    child_state_save(&run.state, &run.signals);
    if (is_python(&values, argv[1]) && !python_command_has_python(argv[1])) {
        run.python = find_python(self->name, &run.state.mask);
        if (run.python == NULL)
            return 1;
    }
    status = recorder_open(&run.recorder, self, &values.record);
    if (status == 0)
        status = run_program(&run, argv + 1);
    if (run.command != argv + 1)
        free(run.command);
    free(run.python);
    free(run.variable);
    heap_folder_remove(run.heap_folder);
    return status;
}
