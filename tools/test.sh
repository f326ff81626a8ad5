#!/bin/sh
# Builds everything and runs every test; ends with the totals alone on a line.
#     sh tools/test.sh [--python PATH] [--quick] [--preset NAME [--whole]] [PYTEST ARGUMENTS...]
# --quick   only the installation and its smoke test, for one more Python
# --preset  the unit tests under asan, tsan or valgrind, then a choice of the Python tests with the
#           extension and mprof under the same, or those the arguments name; asan --whole: all
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sanitizers.sh"

quick=
preset=
whole=
while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    --preset) preset=${2:?--preset needs a name} && shift 2 ;;
    --quick) quick=1 && shift ;;
    --whole) whole=1 && shift ;;
    --help) show_help ;;
    *) break ;;
    esac
done

results=$(mktemp -d "$build/results.XXXXXX")
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
failed=0

unit_tests() {
    cd "$root"
    quietly "cmake --preset $1" cmake --preset "$1"
    quietly "the build of preset $1" cmake --build --preset "$1" -j "$jobs"
    printf 'unit tests ... ' >&2
    unit_began=$(date +%s)
    CMOCKA_MESSAGE_OUTPUT=stdout ctest --preset "$1" --output-junit "$results/unit.xml" \
        >"$results/log" 2>&1 </dev/null || {
        failed=1
        cat "$results/log"
    }
    echo "$(($(date +%s) - unit_began)) s" >&2
}

need_build_tools
need_python
if [ -n "$preset" ]; then
    need_checker "$preset"
    unit_tests "$preset"
    "python_under_$preset" "$@"
elif [ -n "$quick" ]; then
    make_venv "$python" pytest
    install_project cmake.define.CMAKE_C_FLAGS=-Werror
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --junit-xml="$results/python.xml" \
        "$root/tests/test_smoke.py" </dev/null || failed=1
else
    unit_tests dev
    make_venv "$python" pytest pytest-timeout hypothesis prometheus_client
    add_optional_packages numpy ipython coverage line_profiler gprof2dot mypy pytest-xdist ipykernel \
        jupyter_client nbclient cython wrapt gevent
    add_browser
    install_project cmake.define.CMAKE_C_FLAGS=-Werror
    cd "$root"
    # A file after the other in each of two processes: most of the time a test waits.
    if [ $# -eq 0 ] && [ "$jobs" -gt 1 ] && "$venv/bin/python" -c 'import xdist' 2>/dev/null; then
        set -- -n 2 --dist loadfile
    fi
    "$venv/bin/python" -m pytest -q --junit-xml="$results/python.xml" "$@" </dev/null || failed=1
fi
"$python" "$root/tools/totals.py" "$results"/*.xml || failed=1
exit $failed
