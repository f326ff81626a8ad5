#!/bin/sh
# The two commands of README on bare roots of Debian, made by debootstrap (needs root): as root
# below /root and again without a network, twice at once, as a user with sudo, and as one without,
# who is told what is missing. Ends with a table for tests/MATRIX.md.
#     sh tools/bare.sh [--whole] [SUITE...]        default: bookworm trixie
# --whole  tools/test.sh runs every test (half an hour in each root), not the smoke test alone
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/roots.sh"

tests=tests/test_smoke.py
while [ $# -gt 0 ]; do
    case $1 in
    --whole) tests= && shift ;;
    -*) die "unknown argument $1" ;;
    *) break ;;
    esac
done
[ $# -gt 0 ] || set -- bookworm trixie
need_debootstrap

logs=$build/bare
rows=$logs/rows
mkdir -p "$logs"
: >"$rows"
failed=0
demo="sh tools/demo.sh 100 50"
test="sh tools/test.sh $tests"

# fresh: sets `bare` to a root as debootstrap has left it, with the project below /root.
fresh() {
    bare=$build/roots/$suite-bare
    rm -rf "$bare"
    make_root "$suite" "$build/roots/$suite"
    cp -a "$build/roots/$suite" "$bare"
    home=$bare/root
    copy_project "$home/memprof"
}

# row WHO WHAT STATUS COMMAND...: one row of the table; the command must end with STATUS.
row() {
    who=$1 what=$2 wanted=$3
    shift 3
    echo "$suite: $who: $what ..." >&2
    log=$logs/$suite-$(echo "$who $what" | tr -cs 'a-z0-9\n' '-').log
    started=$(date +%s)
    status=0
    "$@" >"$log" 2>&1 </dev/null || status=$?
    result=ok
    [ "$status" -eq "$wanted" ] || {
        result="FAILED ($status)" failed=1
        tail -n 20 "$log" >&2
    }
    echo "| $suite | $who | $what | $result | $(($(date +%s) - started)) s |" >>"$rows"
}

as_root_of() {
    in_root "$bare" sh -c "cd && cd memprof && $*"
}

# A new user, and the project in their home.
add_user() {
    in_root "$bare" useradd --create-home --home-dir /user user
    mv "$home/memprof" "$bare/user/memprof"
    in_root "$bare" chown -R user /user/memprof
}

as_user() {
    in_root "$bare" su user -c "cd && cd memprof && $*"
}

# The line of somebody who may not install, and nothing was begun.
is_told() {
    name=${1#sh tools/}
    status=0
    said=$(as_user "$1" 2>&1) || status=$?
    echo "$said"
    [ ! -e "$bare/user/memprof/build/demo" ] || return 99
    echo "$said" | grep -q "^${name%% *}: you are neither root nor is there sudo" || return 98
    echo "$said" | tail -n 1 | grep -q "^ *apt-get install " || return 97
    return $status
}

install_what_is_told() {
    packages=$(as_user "$demo" 2>&1 | sed -n 's/^ *apt-get install //p')
    in_root_apt "$bare" update
    # shellcheck disable=SC2086
    in_root_apt "$bare" install $packages
}

for suite; do
    fresh
    row "root, below /root" "tools/demo.sh" 0 as_root_of "$demo"
    row "root, below /root" "tools/test.sh${tests:+ $tests}" 0 as_root_of "$test"
    offline=1
    row "root, without network" "tools/demo.sh" 0 as_root_of "$demo"
    row "root, without network" "tools/test.sh${tests:+ $tests}" 0 as_root_of "$test"
    offline=

    fresh
    row "root, twice at once" "tools/demo.sh" 0 \
        as_root_of "{ $demo & $demo; here=\$?; wait \$! && exit \$here; }"

    fresh
    add_user
    row "user without sudo" "tools/demo.sh: a line" 1 is_told "$demo"
    row "user without sudo" "tools/test.sh: a line" 1 is_told "$test"
    install_what_is_told >"$logs/$suite-installed.log" 2>&1 || failed=1
    row "user without sudo, packages there" "tools/demo.sh" 0 as_user "$demo"

    fresh
    add_user
    quietly "apt-get update in $suite" in_root_apt "$bare" update
    quietly "apt-get install sudo in $suite" in_root_apt "$bare" install sudo
    echo 'user ALL=(ALL) NOPASSWD: ALL' >"$bare/etc/sudoers.d/user"
    row "user with sudo" "tools/demo.sh" 0 as_user "$demo"
    row "user with sudo" "tools/test.sh${tests:+ $tests}" 0 as_user "$test"
    rm -rf "$bare"
done

echo "## The two commands of README on bare roots"
echo
echo "$(date -u +%Y-%m-%d), \`sh tools/bare.sh\`, roots of debootstrap (minbase), $(uname -sm)."
echo
echo "| root | who | what | result | time |"
echo "|---|---|---|---|---|"
cat "$rows"
exit $failed
