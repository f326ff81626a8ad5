#include "plots/ending_text.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "plots/limit_text.h"

/* What a shell adds to the number of the signal that ended its command. */
#define SHELL_BASE 128

/* Those that end a program; libc names them in its newest versions only. */
static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
    {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
    {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"},
    {SIGXFSZ, "SIGXFSZ"}, {SIGPROF, "SIGPROF"}, {SIGSYS, "SIGSYS"},   {SIGVTALRM, "SIGVTALRM"},
};

static const char *signal_name(int number)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (signals[i].number == number)
            return signals[i].name;
    return NULL;
}

/* Appends; what does not fit is cut. */
__attribute__((format(printf, 2, 3))) static void append(char text[ENDING_TEXT_SIZE],
                                                         const char *format, ...)
{
    size_t used = strlen(text);
    va_list list;

    va_start(list, format);
    vsnprintf(text + used, ENDING_TEXT_SIZE - used, format, list);
    va_end(list);
}

static void append_limit(char text[ENDING_TEXT_SIZE], int64_t bytes)
{
    char memory[PLOT_NUMBER_SIZE];

    if (bytes <= 0)
        return;
    limit_text(bytes, memory);
    append(text, " (limit %s)", memory);
}

static void append_end(char text[ENDING_TEXT_SIZE], const struct run_ending *ending)
{
    const char *name = signal_name(ending->number), *shell;

    if (ending->by_signal) {
        append(text, "killed by signal %d", ending->number);
        if (name != NULL)
            append(text, " (%s)", name);
    } else if (ending->number != 0) {
        append(text, "exit status %d", ending->number);
        shell = signal_name(ending->number - SHELL_BASE);
        /* Any program may end so: whether it is a shell that tells of its command, and not a
         * number of its own, cannot be seen. */
        if (shell != NULL)
            append(text, " (a shell would mean %s: %d + %d)", shell, SHELL_BASE,
                   ending->number - SHELL_BASE);
    }
}

static void append_kills(char text[ENDING_TEXT_SIZE], const struct run_ending *ending)
{
    append(text, "%sthe kernel killed %lld process%s of its control group for memory",
           *text == '\0' ? "" : "; ", (long long)ending->kills, ending->kills == 1 ? "" : "es");
    append_limit(text, ending->limit);
}

void ending_text_brief(const struct run_ending *ending, char text[ENDING_TEXT_SIZE])
{
    *text = '\0';
    if (ending->is_known)
        append_end(text, ending);
}

void ending_text(const struct run_ending *ending, char text[ENDING_TEXT_SIZE])
{
    ending_text_brief(ending, text);
    if (!run_ending_by_kernel(ending)) {
        if (ending->kills > 0)
            append_kills(text, ending);
        return;
    }
    append(text, ", by the kernel, for memory");
    append_limit(text, ending->limit);
    if (ending->kills > 1)
        append(text, ", as %lld more of its control group", (long long)(ending->kills - 1));
}
