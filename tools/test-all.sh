#!/bin/sh
# Runs the whole suite on every supported Python that is here or can be had, and prints a matrix:
# pyenv's 3.10 and later, and 3.13 to 3.15 with gnuplot 6 and cmocka 2 in a Debian sid root made by
# debootstrap (needs root). $MEMPROF_SID_ROOT names a root that exists already.
#     sh tools/test-all.sh [--write] [--only PATTERN] [--again]
# It can be stopped and started again: what passed with the same commit is not repeated.
# --write  puts the matrix into tests/MATRIX.md
# --only   a part of it: '3.12*' or '*-sid'
# --again  forgets what is done
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/roots.sh"

write=
only='*'
again=
while [ $# -gt 0 ]; do
    case $1 in
    --write) write=1 && shift ;;
    --again) again=1 && shift ;;
    --only) only=${2:?--only needs a pattern} && shift 2 ;;
    *) die "unknown argument $1" ;;
    esac
done
[ -z "$write" ] || [ "$only" = '*' ] || die "--write keeps whole matrices only"
need_debootstrap

commit=$(git -C "$root" describe --always --exclude '*' --dirty)
logs=$build/matrix/$commit
case $commit in
*-dirty) again=1 ;;
esac
[ -z "$again" ] || rm -rf "$logs"
mkdir -p "$logs"
rows=$logs/rows
: >"$rows"
failed=0

# run_suite NAME COMMAND...: one row of the matrix.
run_suite() {
    name=$1
    shift
    # shellcheck disable=SC2254
    case $name in
    $only) echo "$name ..." >&2 ;;
    *) return 0 ;;
    esac
    row=$logs/$name.row
    if [ -f "$row" ]; then
        tee -a "$rows" <"$row"
        return 0
    fi
    started=$(date +%s)
    result=ok
    "$@" >"$logs/$name.log" 2>&1 </dev/null || result=FAILED failed=1
    totals=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -n 1)
    [ -n "$totals" ] || result=FAILED failed=1
    echo "| $name | $result | ${totals:-no totals: $(tail -n 1 "$logs/$name.log")} |" \
        "$(($(date +%s) - started)) s |" >"$row.new"
    tee -a "$rows" <"$row.new"
    [ "$result" != ok ] || mv "$row.new" "$row"
}

# versions COMMAND...: what the suite ran with, said by the machine it ran on.
versions() {
    "$@" sh -c '. /etc/os-release; echo "$PRETTY_NAME"; gnuplot --version; cmake --version | head -n 1
        echo "cmocka $(pkg-config --modversion cmocka)"; cc --version | head -n 1' |
        paste -s -d '|' | sed 's/|/, /g'
}

sid=${MEMPROF_SID_ROOT:-$build/sid}

in_sid() {
    in_root "$sid" "$@"
}

prepare_sid() {
    make_root sid "$sid"
    if [ ! -x "$sid/usr/bin/python3.15" ] || [ ! -x "$sid/usr/bin/gnuplot" ]; then
        quietly "apt-get update in sid" in_root_apt "$sid" update
        set --
        for version in 3.13 3.14 3.15; do
            set -- "$@" "python$version-dev" "python$version-venv"
        done
        quietly "apt-get install in sid" in_root_apt "$sid" install "$@" gcc libc6-dev cmake \
            ninja-build pkg-config libcmocka-dev gnuplot-nox git ca-certificates procps
    fi
    copy_project "$sid/memprof"
}

for candidate in "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python3; do
    if [ -x "$candidate" ] && python_is_usable "$candidate"; then
        run_suite "$(python_version "$candidate")" \
            sh "$root/tools/test.sh" --python "$candidate"
    fi
done
need_build_tools
need_python
here=$(versions env)
run_suite spark sh "$root/tools/test-spark.sh"

in_root_of_sid="none asked for"
case $only in
'*' | *sid*)
    prepare_sid
    for version in 3.13 3.14 3.15; do
        run_suite "$(in_sid "python$version" -c 'import platform; print(platform.python_version())')-sid" \
            in_sid sh /memprof/tools/test.sh --python "/usr/bin/python$version"
    done
    in_root_of_sid=$(versions in_sid)
    ;;
esac

{
    echo "$(date -u +%Y-%m-%d), sources of $commit, $(uname -sm), kernel $(uname -r), $jobs cores."
    echo
    echo "- Pythons without a mark: $here"
    echo "- Pythons marked sid: $in_root_of_sid"
    echo "- spark: \`sh tools/test-spark.sh\`, on a cluster of this machine"
    echo
    echo "| Python | result | tests | time |"
    echo "|---|---|---|---|"
    cat "$rows"
} >"$logs/matrix.md"
echo
cat "$logs/matrix.md"
[ -z "$write" ] || "$python" "$root/tools/figures.py" "$root/tests/MATRIX.md" \
    "test-all.sh --write" <"$logs/matrix.md"
exit $failed
