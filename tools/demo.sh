#!/bin/sh
# Builds the profiler and shows it at work: the line tables of examples/julia.py.
#     sh tools/demo.sh [WIDTH [ITERATIONS]]
set -eu
. "$(dirname "$0")/lib.sh"

need_build_tools
need_python
make_venv "$python"
install_project
cd "$root"
exec "$venv/bin/python" -m memory_profiler examples/julia.py "$@"
