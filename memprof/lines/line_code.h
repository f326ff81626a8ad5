/* What lines and the tracer know of one code object; the tracer hangs it onto the code. */
#ifndef MEMPROF_LINE_CODE_H
#define MEMPROF_LINE_CODE_H

struct line_watch;
struct span_watch; /* the tracer's: who marks the calls of a code in time */

struct line_code {
    struct line_watch *watches;
    int first_line;
    int resumable; /* a generator, coroutine or async generator */
    int start;     /* the tracer's: the instruction at which a resumable one starts */
    int sent;      /* tracer_monitoring.c's: which of its events are sent */
    struct span_watch *spans;
    int n_lines;                  /* entries of lines */
    const int *lines;             /* line of each instruction, 0: none; owned by the tracer */
    const unsigned char *opcodes; /* of each instruction, where the tracer needs them; its own */
    unsigned char *inert_exits;   /* of each instruction: line_event_leave_inert() may be used */
};

#endif
