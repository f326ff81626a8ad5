#!/bin/sh
# Fuzzes what reads files of others and what writes for others; ends with the totals of the fuzzers.
#     sh tools/fuzz.sh [--seconds N] [NAME...]        names as in tests/fuzz/fuzz_NAME.c, default all
# --seconds  how long each of them runs (default 600)
# Inputs that crash stay in build/fuzz/NAME; what new inputs were found there, too.
set -eu
. "$(dirname "$0")/lib.sh"

seconds=600
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=${2:?--seconds needs a number} && shift 2 ;;
    --help)
        sed -n 's/^# \{0,1\}//; 2,6p' "$0"
        exit 0
        ;;
    -*) die "unknown option: $1" ;;
    *) break ;;
    esac
done
[ $# -gt 0 ] || set -- dat_reader line_box proc cgroup top plots options

need_clang() {
    program=$build/fuzz/probe.c
    echo 'int LLVMFuzzerTestOneInput(const char *b, long n) { return b == 0 && n; }' >"$program"
    clang -fsanitize=fuzzer,address "$program" -o "$program.out" >/dev/null 2>&1 ||
        install_packages clang libclang-rt-dev
}

build_fuzzers() {
    quietly "cmake for the fuzzers" cmake -S "$root" -B "$build/fuzz/build" -G Ninja \
        -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="-O2 -g" \
        -DMEMPROF_FUZZ=ON -DMEMPROF_EXTENSION=OFF \
        -DMEMPROF_SANITIZE=fuzzer-no-link,address,undefined,float-cast-overflow
    quietly "the build of the fuzzers" cmake --build "$build/fuzz/build" --target fuzzers -j "$jobs"
}

# run_fuzzer NAME: one line about it; 1 where an input broke it.
run_fuzzer() {
    fuzzer=$build/fuzz/build/tests/fuzz/fuzz_$1
    [ -x "$fuzzer" ] || die "no such fuzzer: $1"
    found=$build/fuzz/$1
    mkdir -p "$found/inputs"
    set -- "$1" "$found/inputs" "$root/tests/fuzz/corpus/$1"
    [ "$1" != dat_reader ] && [ "$1" != top ] || set -- "$@" "$root/tests/dats"
    name=$1
    shift
    status=0
    "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 \
        -print_final_stats=1 -artifact_prefix="$found/" "$@" >"$found/log" 2>&1 </dev/null || status=$?
    awk -v name="$name" '/number_of_executed_units/ { runs = $2 } /average_exec_per_sec/ { rate = $2 }
        END { printf "%s: %d executions, %d a second", name, runs, rate }' "$found/log"
    if [ "$status" -eq 0 ]; then
        echo ", no crash"
        return
    fi
    input=$(sed -n 's/.*Test unit written to //p' "$found/log" | tail -n 1)
    if [ -z "$input" ]; then
        echo ", no crash, but it ended with status $status:"
        tail -n 20 "$found/log"
        return 1
    fi
    echo ", 1 crash:"
    grep -E 'ERROR:|runtime error|SUMMARY' "$found/log"
    echo "    again with: $fuzzer $input"
    return 1
}

mkdir -p "$build/fuzz"
need_build_tools
need_clang
build_fuzzers
passed=0
failed=0
for name in "$@"; do
    if run_fuzzer "$name"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
