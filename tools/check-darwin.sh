#!/bin/sh
# Cross-compiles the native part for macOS with the C compiler of the `ziglang` package: proves that
# memprof/machine/darwin compiles without a warning and that programs link. It runs nothing.
#     sh tools/check-darwin.sh [TARGET...]        default: aarch64-macos x86_64-macos
set -eu
. "$(dirname "$0")/lib.sh"

need_build_tools
need_python
tools=$build/venv-zig
if ! "$tools/bin/python" -m ziglang version >/dev/null 2>&1; then
    quietly "a virtual environment for ziglang" "$python" -m venv --clear "$tools"
    quietly "pip install ziglang" "$tools/bin/python" -m pip install ziglang
fi

# CMake wants single commands for the compiler and the archiver.
wrapper() {
    printf '#!/bin/sh\nexec "%s" -m ziglang %s "$@"\n' "$tools/bin/python" "$2" >"$tools/bin/$1"
    chmod +x "$tools/bin/$1"
}
wrapper zig-ar ar
wrapper zig-ranlib ranlib

[ $# -gt 0 ] || set -- aarch64-macos x86_64-macos
for target in "$@"; do
    wrapper "zig-cc-$target" "cc -target $target"
    folder=$build/darwin-$target
    rm -rf "$folder"
    quietly "cmake for $target" cmake -S "$root" -B "$folder" -G Ninja \
        -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_SYSTEM_PROCESSOR="${target%%-*}" \
        -DCMAKE_C_COMPILER="$tools/bin/zig-cc-$target" \
        -DCMAKE_AR="$tools/bin/zig-ar" -DCMAKE_RANLIB="$tools/bin/zig-ranlib" \
        -DCMAKE_INSTALL_NAME_TOOL=true -DCMAKE_OSX_SYSROOT= -DCMAKE_OSX_ARCHITECTURES= \
        -DCMAKE_C_FLAGS=-Werror -DMEMPROF_EXTENSION=OFF -DMEMPROF_TESTS=OFF
    quietly "the build for $target" cmake --build "$folder" -j "$jobs"
    # A program that calls every function of the machine floor: nothing may stay undefined.
    quietly "linking a program for $target" "$tools/bin/zig-cc-$target" -std=c11 -Wall -Wextra \
        -Werror -I "$root" -o "$folder/machine" "$root/tests/cross/machine.c" \
        "$folder/memprof/libmemprof_core.a"
    [ -n "$(find "$folder/mprof" -name mprof -type f)" ] || die "no mprof for $target"
    echo "$target: compiles; machine and mprof link"
done
