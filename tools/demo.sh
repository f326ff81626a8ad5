#!/bin/sh
# Builds memprof and shows it at work: the line tables of examples/julia.py, then a recording of
# examples/pipeline.py and its charts, in build/demo.
#     sh tools/demo.sh [WIDTH [ITERATIONS]]
set -eu
. "$(dirname "$0")/lib.sh"

need_build_tools
need_python
make_venv "$python"
install_project
cd "$root"
"$venv/bin/python" -m memory_profiler examples/julia.py "$@"

mkdir -p "$build/demo"
cd "$build/demo"
mprof=$venv/bin/mprof
"$mprof" run -M -T 0.02 -o pipeline.dat "$root/examples/pipeline.py"
for suffix in png svg html txt; do
    "$mprof" plot pipeline.dat -t "examples/pipeline.py" -o "pipeline.$suffix"
done
"$mprof" plot pipeline.dat -t "examples/pipeline.py" -f -o pipeline_flame.png
cat pipeline.txt
echo "Drawn in $build/demo: pipeline.png .svg .html .txt and pipeline_flame.png"
