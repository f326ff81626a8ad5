#include "mprof/record_options.h"

const struct option_spec record_option_table[] = {
    OPT_NUMBER('T', "interval", struct record_options, interval, "S",
               "Seconds between two samples, 0.1 by default, down to 0.0001. Deadlines are "
               "absolute: one that is missed is skipped and counted, never made up for."),
    OPT_FLAG('C', "include-children", struct record_options, sum,
             "Record the sum over the program and all its descendants. Pages they share are "
             "counted once for each: with --backend pss the sum is right."),
    OPT_FLAG('M', "multiprocess", struct record_options, each,
             "Record each descendant on its own. Together with -C: the sum as well."),
    OPT_NUMBER('t', "timeout", struct record_options, timeout, "S",
               "Stop sampling after so many seconds, fractions allowed; 0: no limit. The program "
               "itself is never stopped."),
    OPT_TEXT('o', "output", struct record_options, output, "FILE",
             "Write to FILE instead of mprofile_<date and time>.dat. A file that is there is "
             "overwritten."),
    OPT_TEXT(0, "backend", struct record_options, backend, "NAME",
             "What is measured: rss (resident set, the default), pss (shared pages divided by "
             "their users) or uss (private pages); psutil, psutil_pss, psutil_uss and posix mean "
             "the same. Memory that a program frees and keeps stays in all of them, and using it "
             "again raises none."),
    OPT_TEXT(0, "live", struct record_options, live, "PAGE.html",
             "Write the chart to PAGE.html at once, and keep it current while the recording goes "
             "on: open it in a browser. What it shows stands in PAGE.data.js, which is gone at the "
             "end, when PAGE.html is what mprof plot -o writes."),
    OPT_FLAG(0, "parts", struct record_options, parts,
             "Record as well what is anonymous, of files, shared and swapped out (rss only): "
             "mprof plot draws these over each other. With -C of the sum, else of the program."),
    OPT_FLAG(0, "spikes", struct record_options, spikes,
             "Record the largest resident set between every two samples, by resetting the "
             "high-water mark at each. This changes what the program itself reads as its peak "
             "(VmHWM)."),
    OPT_FLAG('q', "quiet", struct record_options, quiet, "Print nothing but errors."),
    OPT_FLAG(0, "top", struct record_options, top,
             "Show in the lower half of the terminal what mprof top shows; what the program prints "
             "scrolls above it."),
    OPT_FLAG('v', "verbose", struct record_options, verbose,
             "Print the limits of memory at the start: the least of the control groups (cgroups) "
             "around the program, and RLIMIT_AS."),
    OPTIONS_END,
};
