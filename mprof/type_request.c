#include "mprof/type_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memprof/profile/dat_reader.h"
#include "mprof/error_line.h"

int type_request_check(double seconds)
{
    if (seconds == TYPES_NOT_ASKED || (seconds >= 0.1 && seconds <= 1e6))
        return 0;
    error_line("mprof run: --types must be from 0.1 to 1000000 seconds, not %.10g", seconds);
    return 2;
}

/* See python/memory_profiler/_type_watch.py. */
int type_request_set(double seconds, bool of_all)
{
    char text[80];

    if (seconds == TYPES_NOT_ASKED)
        return unsetenv("MPROF_TYPES");
    snprintf(text, sizeof text, "%.10g/%lld", seconds, of_all ? 0 : (long long)getpid());
    return setenv("MPROF_TYPES", text, 1);
}

/* The scan ends with the first. */
static int is_type(void *context, const struct dat_record *record)
{
    (void)context;
    return record->kind == DAT_TYPE;
}

void type_request_report(double seconds, const struct dat_writer *writer)
{
    struct dat_counts counts;

    /* Lines are appended wherever it stands. A pipe cannot be read back. */
    if (seconds == TYPES_NOT_ASKED || !writer->reads_back || lseek(writer->fd, 0, SEEK_SET) != 0 ||
        dat_scan(writer->fd, is_type, NULL, &counts) != 0)
        return;
    error_line("mprof: nothing told of its types: --types asks Pythons that have memory_profiler, "
               "of those that the program starts with -C or -M alone");
}
