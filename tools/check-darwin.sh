#!/bin/sh
# Cross-compiles the native part for macOS with the C compiler of the `ziglang` package: proves that
# memprof/machine/darwin compiles without a warning and that programs link. It runs nothing.
#     sh tools/check-darwin.sh [TARGET...]        default: aarch64-macos x86_64-macos
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/zig.sh"

need_build_tools
need_python
need_zig

[ $# -gt 0 ] || set -- aarch64-macos x86_64-macos
for target in "$@"; do
    folder=$build/darwin-$target
    zig_cmake "$target" "$folder" -DCMAKE_INSTALL_NAME_TOOL=true -DCMAKE_OSX_SYSROOT= \
        -DCMAKE_OSX_ARCHITECTURES= -DMEMPROF_TESTS=OFF
    # A program that calls every function of the machine floor: nothing may stay undefined.
    quietly "linking a program for $target" "$zig/zig-cc-$target" -std=c11 -Wall -Wextra \
        -Werror -I "$root" -o "$folder/machine" "$root/tests/cross/machine.c" \
        "$folder/memprof/libmemprof_core.a"
    [ -n "$(find "$folder/mprof" -name mprof -type f)" ] || die "no mprof for $target"
    echo "$target: compiles; machine and mprof link"
done
