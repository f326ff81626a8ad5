#!/bin/sh
# Builds memprof and shows it at work: the line tables of examples/julia.py, then a recording of
# examples/pipeline.py and its charts, in build/demo. Installs what builds it where that is missing
# (gcc, CMake, Ninja, gnuplot, Python's headers), by apt-get; a second demo waits for the first.
#     sh tools/demo.sh [WIDTH [ITERATIONS]]
set -eu
. "$(dirname "$0")/lib.sh"

[ $# -le 2 ] || die "takes a width and iterations, not '$3'"
for number; do
    case $number in
    *[!0-9]* | '' | 0*) die "not a whole number above 0: '$number'" ;;
    esac
done

# What is built and drawn lies in one folder.
exec 9>"$build/demo.lock"
if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
    echo "demo.sh: waiting for another demo to end" >&2
    flock 9
fi

need_tools
need_python
make_venv "$python"
install_project
cd "$root"
echo "python -m memory_profiler examples/julia.py $*" >&2
"$venv/bin/python" -m memory_profiler examples/julia.py "$@"

mkdir -p "$build/demo"
cd "$build/demo"
mprof=$venv/bin/mprof
echo "mprof run -M -T 0.02 -o pipeline.dat examples/pipeline.py" >&2
"$mprof" run -M -T 0.02 -o pipeline.dat "$root/examples/pipeline.py"
for suffix in png svg html txt; do
    quietly "mprof plot -o pipeline.$suffix" \
        "$mprof" plot pipeline.dat -t "examples/pipeline.py" -o "pipeline.$suffix"
done
quietly "mprof plot -f -o pipeline_flame.png" \
    "$mprof" plot pipeline.dat -t "examples/pipeline.py" -f -o pipeline_flame.png
cat pipeline.txt
echo "Drawn in $build/demo: pipeline.png .svg .html .txt and pipeline_flame.png"
