# The C compiler of the package ziglang, for systems that are not this one. Sourced behind lib.sh.
# shellcheck shell=sh disable=SC2154 # variables are lib.sh's

# Sets `zig` to the folder where ziglang is, with what CMake wants as single commands.
need_zig() {
    zig=$build/venv-zig/bin
    if ! "$zig/python" -m ziglang version >/dev/null 2>&1; then
        quietly "a virtual environment for ziglang" "$python" -m venv --clear "$build/venv-zig"
        quietly "pip install ziglang" "$zig/python" -m pip install ziglang
    fi
    zig_command zig-ar ar
    zig_command zig-ranlib ranlib
}

# zig_command NAME WORDS: a command of this name in that folder.
zig_command() {
    printf '#!/bin/sh\nexec "%s" -m ziglang %s "$@"\n' "$zig/python" "$2" >"$zig/$1.new"
    chmod +x "$zig/$1.new"
    mv "$zig/$1.new" "$zig/$1"
}

# zig_cmake TARGET FOLDER [ARGUMENTS...]: configures and builds the project for this target, without
# the extension.
zig_cmake() {
    zig_target=$1 zig_folder=$2
    shift 2
    zig_command "zig-cc-$zig_target" "cc -target $zig_target"
    case $zig_target in
    *-macos*) zig_system=Darwin ;;
    *) zig_system=Linux ;;
    esac
    rm -rf "$zig_folder"
    quietly "cmake for $zig_target" cmake -S "$root" -B "$zig_folder" -G Ninja \
        -DCMAKE_SYSTEM_NAME="$zig_system" -DCMAKE_SYSTEM_PROCESSOR="${zig_target%%-*}" \
        -DCMAKE_C_COMPILER="$zig/zig-cc-$zig_target" \
        -DCMAKE_AR="$zig/zig-ar" -DCMAKE_RANLIB="$zig/zig-ranlib" \
        -DCMAKE_C_FLAGS=-Werror -DMEMPROF_EXTENSION=OFF "$@"
    quietly "the build for $zig_target" cmake --build "$zig_folder" -j "$jobs"
}
