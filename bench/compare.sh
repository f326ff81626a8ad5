#!/bin/sh
# Is NEW slower than OLD? Builds both commits, runs them in turn, and prints the ratio of each figure
# with its 95 % interval; ends with 1 where one lies above 1.02 as a whole.
#     sh bench/compare.sh OLD NEW [--python PATH] [--rounds N]
# OLD and NEW are commits, or . for the tree as it is. What is measured is what is fast with no option:
# a line, a call, a resume, a sample of mprof, a chart. At least 15 rounds, the default.
set -eu
case ${1:-} in
'' | --help)
    sed -n 's/^# \{0,1\}//; 2,6p' "$0"
    exit 0
    ;;
esac
. "$(dirname "$0")/../tools/lib.sh"
old=$1 new=${2:?a second commit is needed}
shift 2
options=
while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    --rounds) options="$options $1 ${2:?$1 needs a number}" && shift 2 ;;
    *) die "unknown argument $1" ;;
    esac
done
need_build_tools
need_python

# install NAME COMMIT: sets `venv` to an environment that has this commit installed.
install() {
    tree=$build/compare/$1
    rm -rf "$tree"
    mkdir -p "$tree"
    if [ "$2" = . ]; then
        git -C "$root" ls-files -z | tar -C "$root" --null -T - -cf - | tar -C "$tree" -xf -
    else
        git -C "$root" rev-parse --verify --quiet "$2^{commit}" >/dev/null || die "no commit $2"
        git -C "$root" archive "$2" | tar -C "$tree" -xf -
    fi
    (
        build=$build/compare/build-$1
        mkdir -p "$build"
        root=$tree
        make_venv "$python"
        install_project
    )
    venv=$build/compare/build-$1/venv-$(python_version "$python")
}

install old "$old"
old_python=$venv/bin/python
install new "$new"
# shellcheck disable=SC2086
exec "$venv/bin/python" "$root/bench/compare.py" $options "$old_python" "$venv/bin/python"
