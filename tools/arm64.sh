#!/bin/sh
# Builds the core, mprof and a wheel for aarch64 by the C compiler of the package ziglang, and runs
# the unit tests and the smoke test under qemu-user, with an arm64 root of Debian bookworm that
# debootstrap makes (needs root). Figures of memory are the emulator's own there, and clocks and the
# cost of system calls too: the tests that judge them are in tests/cross/arm64.txt.
#     sh tools/arm64.sh
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/zig.sh"
. "$(dirname "$0")/roots.sh"
[ $# -eq 0 ] || die "unknown argument $1"

results=$(mktemp -d "$build/results.XXXXXX")
trap 'rm -rf "$results"' EXIT
trap 'exit 130' INT TERM
failed=0
arm=$build/roots/arm64
parts=$build/arm64 # of that root, for the compiler
unit=$build/arm64-unit

# Programs of that kind are started by qemu, whoever starts them.
need_emulator() {
    command -v qemu-aarch64-static >/dev/null 2>&1 || install_packages qemu-user-static
    binfmt=/proc/sys/fs/binfmt_misc
    [ -e $binfmt/register ] || mount -t binfmt_misc none $binfmt ||
        die "this kernel starts no programs of other processors (no binfmt_misc)"
    # Its conf is what systemd would write there.
    [ -e $binfmt/qemu-aarch64 ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf >$binfmt/register
}

need_arm_root() {
    make_root bookworm "$arm" --arch=arm64
    if [ ! -e "$arm/usr/include/cmocka.h" ] || [ ! -e "$arm/usr/include/python3.11/Python.h" ]; then
        quietly "apt-get update in the arm64 root" in_root_apt "$arm" update
        quietly "apt-get install in the arm64 root" in_root_apt "$arm" install libcmocka-dev \
            python3-dev python3-venv procps
    fi
}

# cmocka and Python's headers without those of the C library, which are the compiler's own.
take_parts() {
    rm -rf "$parts"
    mkdir -p "$parts/include" "$parts/lib"
    cp "$arm"/usr/include/cmocka*.h "$parts/include/"
    cp -L "$arm"/usr/lib/aarch64-linux-gnu/libcmocka.so "$parts/lib/"
    cp -r "$arm/usr/include/python3.11" "$parts/"
    cp "$arm/usr/include/aarch64-linux-gnu/python3.11/pyconfig.h" "$parts/python3.11/"
    printf 'Name: cmocka\nDescription: cmocka\nVersion: 1\nCflags: -I%s\nLibs: -L%s -lcmocka\n' \
        "$parts/include" "$parts/lib" >"$parts/lib/cmocka.pc"
}

unit_tests() {
    PKG_CONFIG_LIBDIR=$parts/lib
    export PKG_CONFIG_LIBDIR
    zig_cmake aarch64-linux-gnu.2.36 "$unit" -DCMAKE_BUILD_TYPE=Debug -DMEMPROF_TESTS=ON \
        -DMEMPROF_UNIT_TIMEOUT=1200
    QEMU_LD_PREFIX=$arm ctest --test-dir "$unit" -j "$jobs" --output-on-failure \
        --output-junit "$results/unit.xml" -E "^($(sed -n 's/^\([a-z_]\{1,\}\) .*/\1/p' \
            "$root/tests/cross/arm64.txt" | paste -s -d '|'))\$" </dev/null || failed=1
}

make_wheel() {
    zig_command zig-cc-aarch64 "cc -target aarch64-linux-gnu.2.17"
    rm -rf "$build/arm64-wheel"
    make_venv "$python"
    quietly "the wheel for aarch64" env CC="$zig/zig-cc-aarch64" CFLAGS=-Werror \
        _PYTHON_HOST_PLATFORM=linux-aarch64 \
        SETUPTOOLS_EXT_SUFFIX=.cpython-311-aarch64-linux-gnu.so "$venv/bin/python" -m pip wheel \
        --no-build-isolation --no-deps --wheel-dir "$build/arm64-wheel" \
        --config-settings=install.strip=false \
        --config-settings=cmake.define.CMAKE_SYSTEM_NAME=Linux \
        --config-settings=cmake.define.CMAKE_SYSTEM_PROCESSOR=aarch64 \
        --config-settings=cmake.define.CMAKE_AR="$zig/zig-ar" \
        --config-settings=cmake.define.CMAKE_RANLIB="$zig/zig-ranlib" \
        --config-settings=cmake.define.CMAKE_EXE_LINKER_FLAGS=-s \
        --config-settings=cmake.define.CMAKE_MODULE_LINKER_FLAGS=-s \
        --config-settings=cmake.define.Python_INCLUDE_DIR="$parts/python3.11" "$root"
}

smoke_test() {
    rm -rf "$arm/memprof"
    copy_project "$arm/memprof"
    cp "$build"/arm64-wheel/*.whl "$arm/memprof/"
    quietly "pip install of the wheel in the arm64 root" in_root "$arm" sh -c 'python3 -m venv \
        --clear /venv && /venv/bin/pip install pytest && /venv/bin/pip install --no-index \
        /memprof/*.whl'
    in_root "$arm" sh -c 'cd /memprof && /venv/bin/python -m pytest -q -p no:cacheprovider \
        --junit-xml=/smoke.xml tests/test_smoke.py' </dev/null || failed=1
    cp "$arm/smoke.xml" "$results/smoke.xml"
}

need_debootstrap
need_build_tools
PYTHON=${PYTHON:-$(command -v python3.11 || true)}
[ -n "$PYTHON" ] || die "needs a Python 3.11, as bookworm's: set PYTHON"
need_python
need_zig
need_emulator
need_arm_root
take_parts
unit_tests
make_wheel
smoke_test
"$python" "$root/tools/totals.py" "$results"/*.xml || failed=1
exit $failed
