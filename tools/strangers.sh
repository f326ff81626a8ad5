#!/bin/sh
# Runs suites written by others (CPython's own, and packages'), plain and under the profiler, and says
# which tests end differently.
#     sh tools/strangers.sh [--quick] [--python PATH] [--only PATTERN] [--resume]
# --quick   a choice that takes some minutes; all of it takes hours, and can be taken up by --resume
# --only    suites by name: 'test_gen*', click
set -eu
. "$(dirname "$0")/lib.sh"

pass=
while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    --only) pass="$pass --only ${2:?--only needs a pattern}" && shift 2 ;;
    --quick | --resume) pass="$pass $1" && shift ;;
    --help) show_help ;;
    *) die "unknown argument $1" ;;
    esac
done

need_build_tools
need_python
make_venv "$python" pytest pytest-timeout
install_project
set -f # the pattern is for the runner
# shellcheck disable=SC2086
exec "$venv/bin/python" "$root/tests/strangers/run.py" --folder "$build/strangers" $pass
