#!/bin/sh
# Runs the tests that need a Spark cluster: installs PySpark from PyPI into an environment of its
# own, and a JDK by apt-get where there is no java; ends with the totals alone on a line.
#     sh tools/test-spark.sh [--python PATH]
set -eu
. "$(dirname "$0")/lib.sh"

while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    *) die "unknown argument $1" ;;
    esac
done

# PySpark lags behind the newest Pythons.
if [ -z "${PYTHON:-}" ]; then
    for candidate in "$HOME"/.pyenv/versions/3.1[12].*/bin/python3; do
        [ ! -x "$candidate" ] || PYTHON=$candidate
    done
fi

results=$(mktemp -d "$build/results.XXXXXX")
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM

need_build_tools
need_python
command -v java >/dev/null 2>&1 || install_packages default-jre-headless
make_venv "$python" pytest
# Beside the other environment, which stays without these.
spark=$venv-spark
[ -x "$spark/bin/python" ] || quietly "a virtual environment for PySpark" "$python" -m venv "$spark"
venv=$spark
quietly "pip install pyspark" "$venv/bin/python" -m pip install \
    pytest "scikit-build-core>=0.10" pyspark pandas pyarrow
install_project
failed=0
"$venv/bin/python" -m pytest -q -p no:cacheprovider --junit-xml="$results/spark.xml" \
    "$root/tests/spark" </dev/null || failed=1
"$python" "$root/tools/totals.py" "$results"/*.xml || failed=1
exit $failed
