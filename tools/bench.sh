#!/bin/sh
# Measures what line tables, memory_usage, mprof and its charts cost, prints tables and keeps them in
# bench/RESULTS.md. The peers are installed from PyPI, each in an environment of its own below build/.
#     sh tools/bench.sh [--python PATH]... [--rounds N] [--events N]
# Without --python: every CPython >= 3.10 of pyenv, else the one that the tests use.
set -eu
. "$(dirname "$0")/lib.sh"

pythons=
options=
while [ $# -gt 0 ]; do
    case $1 in
    --python) pythons="$pythons ${2:?--python needs a path}" && shift 2 ;;
    --rounds | --events) options="$options $1 ${2:?$1 needs a number}" && shift 2 ;;
    *) die "unknown argument $1" ;;
    esac
done

need_build_tools
if [ -z "$pythons" ]; then
    for candidate in "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python3; do
        if [ -x "$candidate" ] && python_is_usable "$candidate"; then
            pythons="$pythons $candidate"
        fi
    done
fi
[ -n "$pythons" ] || { need_python && pythons=$python; }

installed=
for python in $pythons; do
    make_venv "$python"
    add_optional_packages ipython numpy
    install_project
    installed="$installed $venv/bin/python"
done
export MEMPROF_BUILD="$build"
# shellcheck disable=SC2086
exec "${venv}/bin/python" "$root/bench/lines.py" --write $options $installed
