#!/bin/sh
# Runs the whole suite on every supported Python that is here or can be had, and prints a matrix:
# pyenv's 3.10 and later, and 3.13 to 3.15 with gnuplot 6 and cmocka 2 in a Debian sid root made by
# debootstrap (needs root). $MEMPROF_SID_ROOT names a root that exists already.
#     sh tools/test-all.sh [--write] [--only PATTERN]
# --write keeps the matrix in tests/MATRIX.md; --only '3.12*' or '*-sid' runs a part of it.
set -eu
. "$(dirname "$0")/lib.sh"

write=
only='*'
while [ $# -gt 0 ]; do
    case $1 in
    --write) write=1 && shift ;;
    --only) only=${2:?--only needs a pattern} && shift 2 ;;
    *) die "unknown argument $1" ;;
    esac
done
[ -z "$write" ] || [ "$only" = '*' ] || die "--write keeps whole matrices only"
[ "$(id -u)" -eq 0 ] || die "needs root: it enters a Debian root of its own"

logs=$build/matrix
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
    started=$(date +%s)
    result=ok
    "$@" >"$logs/$name.log" 2>&1 </dev/null || result=FAILED failed=1
    totals=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -n 1)
    [ -n "$totals" ] || result=FAILED failed=1
    echo "| $name | $result | ${totals:-no totals: $(tail -n 1 "$logs/$name.log")} |" \
        "$(($(date +%s) - started)) s |" | tee -a "$rows"
}

# versions COMMAND...: what the suite ran with, said by the machine it ran on.
versions() {
    "$@" sh -c '. /etc/os-release; echo "$PRETTY_NAME"; gnuplot --version; cmake --version | head -n 1
        echo "cmocka $(pkg-config --modversion cmocka)"; cc --version | head -n 1' |
        paste -s -d '|' | sed 's/|/, /g'
}

sid=${MEMPROF_SID_ROOT:-$build/sid}

in_sid() {
    unshare --mount --propagation private sh -c '
        root=$1 && shift
        mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 1
        exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DEFAULT_TIMEOUT=180 "$@"
    ' sh "$sid" "$@"
}

prepare_sid() {
    if [ ! -x "$sid/usr/bin/apt-get" ]; then
        command -v debootstrap >/dev/null 2>&1 || install_packages debootstrap
        quietly "debootstrap of Debian sid" debootstrap --variant=minbase sid "$sid"
    fi
    if [ ! -x "$sid/usr/bin/python3.15" ] || [ ! -x "$sid/usr/bin/gnuplot" ]; then
        # The index of a frozen mirror is older than its own date allows.
        quietly "apt-get update in sid" in_sid apt-get -o Acquire::Check-Valid-Until=false update
        set --
        for version in 3.13 3.14 3.15; do
            set -- "$@" "python$version-dev" "python$version-venv"
        done
        quietly "apt-get install in sid" in_sid env DEBIAN_FRONTEND=noninteractive apt-get \
            -o Acquire::Check-Valid-Until=false install -y --no-install-recommends "$@" \
            gcc libc6-dev cmake ninja-build pkg-config libcmocka-dev gnuplot-nox git \
            ca-certificates procps
    fi
    # The certificates this machine trusts: pip inside goes the same way out.
    [ ! -f /etc/ssl/certs/ca-certificates.crt ] ||
        cp -L /etc/ssl/certs/ca-certificates.crt "$sid/etc/ssl/certs/"
    rm -rf "$sid/memprof"
    mkdir "$sid/memprof"
    git -C "$root" ls-files -z --cached --others --exclude-standard |
        tar -C "$root" --null --ignore-failed-read -T - -cf - | tar -C "$sid/memprof" -xf -
}

for candidate in "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python3; do
    if [ -x "$candidate" ] && python_is_usable "$candidate"; then
        run_suite "$(python_version "$candidate")" \
            sh "$root/tools/test.sh" --python "$candidate"
    fi
done
need_build_tools
here=$(versions env)
run_suite spark sh "$root/tools/test-spark.sh"

prepare_sid
for version in 3.13 3.14 3.15; do
    run_suite "$(in_sid "python$version" -c 'import platform; print(platform.python_version())')-sid" \
        in_sid sh /memprof/tools/test.sh --python "/usr/bin/python$version"
done

{
    echo "# Where the whole suite ran"
    echo
    echo "$(date -u +%Y-%m-%d), \`sh tools/test-all.sh --write\`, $(uname -sm), kernel $(uname -r)," \
        "$jobs cores."
    echo
    echo "- Pythons without a mark: $here"
    echo "- Pythons marked sid: $(versions in_sid)"
    echo "- spark: the tests of \`sh tools/test-spark.sh\`, on a cluster of this machine"
    echo
    echo "| Python | result | tests | time |"
    echo "|---|---|---|---|"
    cat "$rows"
} >"$logs/MATRIX.md"
echo
cat "$logs/MATRIX.md"
[ -z "$write" ] || cp "$logs/MATRIX.md" "$root/tests/MATRIX.md"
exit $failed
