# Made by tools/reference from the tables of options: not to be edited.
# For python -m memory_profiler: to be sourced by config.fish.

function __memory_profiler_runs
    set -l words (commandline -opc)
    set -l at (contains -i -- -m $words); or return 1
    test (count $words) -gt $at; and test $words[(math $at + 1)] = $argv[1]
end

complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -s h -l help -d 'Show this help message and exit'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l version -d 'Print the version'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -s v -l verbose -d 'Say more'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -s q -l quiet -d 'Say nothing on stderr but what went wrong'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l pdb-mmem -x -d 'Step into the debugger when memory exceeds MAXMEM'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l precision -x -d 'Decimals of the numbers'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -s o -rF -d 'Append the tables to FILE'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -s p -l prof-mod -rF -d 'Profile functions without @profile'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l all -d 'Profile every function in the program\'s own files'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l lines -d 'Also a table of the program\'s own lines, outside of all functions'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l timestamp -d 'Record when decorated functions begin and end instead of lines'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l include-children -d 'Add the memory of child processes'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l backend -x -a 'rss pss uss tracemalloc psutil psutil_pss psutil_uss posix' -d 'What is read'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l peak -d 'A column with the most memory above its start that was held while a…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l line-time -d 'Columns with the time of each line'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l allocations -a 'inclusive own' -d 'Columns with what lines have allocated, to the byte'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l flame -rF -d 'Write the stacks of all that the program allocates to FILE'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l flame-of -x -a 'peak left allocated' -d 'Which bytes a .txt holds, and a page shows first'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l heap -a 'end peak' -d 'Also print what lives on the heap when the program has ended'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l functions -d 'Also print a row for every function of the program, then those of…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l pstats -rF -d 'Write what --functions counts to FILE for pstats.Stats, snakeviz…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l lprof -rF -d 'Write the times of lines to FILE for python -m line_profiler and other…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l json -rF -d 'Save the run to FILE, also while it goes on'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l multiprocess -d 'Add the tables of child processes'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l on-signal -x -d 'Print the tables so far, with a heading, whenever the program gets…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l exact -d 'Read memory at every event, also where it cannot have changed'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l attach -x -d 'Print the tables of a program that runs already, in the place of a…'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -l for -x -d 'How long --attach records'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler' -F

complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.report' -s h -l help -d 'Show this help message and exit'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.report' -l to -x -a 'text json csv html' -d 'The form'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.report' -s o -rF -d 'Write to OUT instead of stdout'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.report' -l precision -x -d 'Decimals of the text'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.report' -F

complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -s h -l help -d 'Show this help message and exit'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l fail-over -x -d 'Exit with 1 when a function grew by more, such as "10 MiB"'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l fail-over-allocated -x -d 'Exit with 1 when what the program allocated'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l fail-over-peak -x -d 'Exit with 1 when the peak of the heap'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l fail-over-left -x -d 'Exit with 1 when what was left in the heap'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l fail-over-objects -x -d 'Exit with 1 when there are more than N objects more of a type'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -l least -x -d 'Lines that changed by less are not shown'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.diff' -F

complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.memit' -s h -l help -d 'Show this help message and exit'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.memit' -s r -l repeat -x -d 'How many runs'
complete -c python -c python3 -n '__memory_profiler_runs memory_profiler.memit' -s s -l setup -x -d 'A statement that runs before, and is not measured'
