# Shell functions of tools/test.sh: the Python tests while the extension and mprof are checked.
# Sourced by it, behind lib.sh. What cannot hold there is named in tests/sanitizers.
# shellcheck shell=sh disable=SC2034,SC2154 # variables are lib.sh's and test.sh's

lists=$root/tests/sanitizers

# need_checker PRESET: stops where this machine has none.
need_checker() {
    case $1 in
    asan | tsan)
        runtime=$(cc -print-file-name="lib$1.so")
        [ -f "$runtime" ] || die "--preset $1 needs gcc and its lib$1.so"
        ;;
    valgrind)
        command -v valgrind >/dev/null 2>&1 || install_packages valgrind libc6-dbg
        runtime=
        ;;
    *) die "no preset $1: asan, tsan or valgrind" ;;
    esac
}

# checked_pytest KIND SETTINGS ARGUMENTS...: installs with these settings of scikit-build-core
# (words), and runs pytest with the runtime before all other libraries. Every allocation of Python's
# goes to malloc(), where it is checked.
checked_pytest() {
    venv_kind=$1
    settings=$2
    shift 2
    make_venv "$python" pytest pytest-timeout hypothesis prometheus_client coverage
    # shellcheck disable=SC2086
    install_project cmake.build-type=Debug cmake.define.CMAKE_C_FLAGS=-Werror $settings
    cd "$root" || exit
    LD_PRELOAD=$runtime PYTHONMALLOC=malloc "$venv/bin/python" -m pytest -q -p no:cacheprovider \
        --timeout 300 --junit-xml="$results/python.xml" "$@" </dev/null || failed=1
    show_reports
}

# What was said of any process, also of one whose output no test looks at.
show_reports() {
    for report in "$results"/report.*; do
        [ -f "$report" ] || continue
        failed=1
        cat "$report" >&2
    done
}

# No search for leaks: CPython itself leaves most of its memory when it ends (valgrind looks for
# those of our C). With a small quarantine freed memory goes back at once, as readings expect.
python_under_asan() {
    ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=16
    ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$results/report
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$results/report
    export ASAN_OPTIONS UBSAN_OPTIONS
    if [ -n "$whole" ]; then
        set -- tests/python tests/cli
    elif [ $# -eq 0 ]; then
        for name in python/test_api python/test_children_tables python/test_columns \
            python/test_exceptions python/test_functions python/test_generators \
            python/test_lifetimes python/test_line_profiler python/test_memory_errors \
            python/test_memory_usage python/test_nested_code python/test_recursion \
            python/test_samplers python/test_threads python/test_tool_ids python/test_tracers \
            python/test_tracers_elsewhere cli/test_attach cli/test_children cli/test_ending \
            cli/test_file cli/test_mark cli/test_plot cli/test_plot_terminal cli/test_profiles \
            cli/test_program cli/test_python_run cli/test_sampling; do
            set -- "$@" "tests/$name.py"
        done
    fi
    checked_pytest asan cmake.define.MEMPROF_SANITIZE=address,undefined \
        --leave-out "$lists/asan.txt" "$@"
}

# Where our threads and those of programs meet; little else can hold, for readings of memory include
# four times as much shadow.
python_under_tsan() {
    TSAN_OPTIONS=die_after_fork=0:suppressions=$lists/tsan.supp:log_path=$results/report
    export TSAN_OPTIONS
    [ $# -gt 0 ] || set -- tests/python/test_samplers.py tests/python/test_tracers.py \
        tests/python/test_tracers_elsewhere.py tests/sanitizers/races.py \
        -k "samplers or races or thread or fork or start_methods"
    checked_pytest tsan cmake.define.MEMPROF_SANITIZE=thread --leave-out "$lists/tsan.txt" "$@"
}

python_under_valgrind() {
    [ $# -gt 0 ] || set -- tests/sanitizers/memcheck.py
    checked_pytest valgrind "" "$@"
}
