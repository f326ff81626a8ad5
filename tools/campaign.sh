#!/bin/sh
# Runs what takes longer than a change may wait for, each part once, and keeps what each found.
#     sh tools/campaign.sh [--python PATH] [--only PART] [--again] [--write] [--list]
# It can be stopped at any time and started again: parts that are done are not repeated.
# --only   one part: faults, kills, programs, strangers, fuzz
# --again  forgets what is done (with --only: of that part)
# --write  puts the figures into docs/RELIABILITY.md at the end; rows of parts that were not run here stay
# --list   says what is done, and runs nothing
set -eu
. "$(dirname "$0")/lib.sh"

parts="faults kills programs fuzz strangers"
write=
list=
again=
while [ $# -gt 0 ]; do
    case $1 in
    --python) PYTHON=${2:?--python needs a path} && shift 2 ;;
    --only) parts=${2:?--only needs a part} && shift 2 ;;
    --again) again=1 && shift ;;
    --write) write=1 && shift ;;
    --list) list=1 && shift ;;
    --help)
        sed -n 's/^# \{0,1\}//; 2,8p' "$0"
        exit 0
        ;;
    *) die "unknown argument $1" ;;
    esac
done

folder=$build/campaign
mkdir -p "$folder"
failed=0

# One pytest run; its JUnit file holds the figures.
pytest_part() {
    junit=$1
    shift
    "$venv/bin/python" -m pytest -q -p no:cacheprovider -o junit_family=xunit1 --timeout 7200 \
        --junit-xml="$junit" "$@"
}

# In rounds, each of other programs; those that are done are not repeated.
run_programs() {
    round=500
    rounds=$((${MEMPROF_PROGRAMS:-10000} / round))
    seed=0
    while [ "$seed" -lt "$rounds" ]; do
        seed=$((seed + 1))
        kept=$folder/programs.$seed
        [ -f "$kept" ] && continue
        MEMPROF_PROGRAMS=$round pytest_part "$kept.xml" "$root/tests/python/test_scripts.py" \
            --hypothesis-seed "$seed" || return
        mv "$kept.xml" "$kept"
    done
    echo "$((rounds * round)) programs end as they do without us"
}

run_part() {
    case $1 in
    faults)
        MEMPROF_FAULTS=full pytest_part "$folder/faults.xml" "$root/tests/faults" \
            --ignore "$root/tests/faults/test_live_kills.py"
        ;;
    kills)
        MEMPROF_FAULTS=full pytest_part "$folder/kills.xml" "$root/tests/faults/test_live_kills.py"
        ;;
    programs) run_programs ;;
    fuzz) sh "$root/tools/fuzz.sh" --seconds "${MEMPROF_FUZZ_SECONDS:-600}" ;;
    strangers) sh "$root/tools/strangers.sh" --resume ;;
    *) die "no part is called $1: there are faults, kills, programs, fuzz and strangers" ;;
    esac
}

# A part is done when its state says so: "status seconds date version-of-Python commit".
do_part() {
    state=$folder/$1.state
    [ -z "$again" ] || rm -f "$state" "$folder/$1".[0-9]*
    if [ -f "$state" ]; then
        echo "== $1: done before"
    else
        echo "== $1"
        begin=$(date +%s)
        status=0
        run_part "$1" >"$folder/$1.log" 2>&1 </dev/null || status=$?
        [ "$status" -lt 128 ] || exit "$status"
        echo "$status $(($(date +%s) - begin)) $(date +%Y-%m-%d) $(python_version "$venv/bin/python")" \
            "$(git -C "$root" rev-parse --short HEAD)" >"$state.new"
        mv "$state.new" "$state"
    fi
    read -r status _ <"$state"
    if [ "$status" -ne 0 ]; then
        failed=1
        echo "   failed: $folder/$1.log"
    fi
}

trap 'exit 130' INT TERM
need_python
if [ -z "$list" ]; then
    need_build_tools
    make_venv "$python" pytest pytest-timeout hypothesis prometheus_client
    install_project
    for part in $parts; do
        do_part "$part"
    done
fi
"$python" "$root/tools/campaign_figures.py" "$folder" ${write:+"$root/docs/RELIABILITY.md"} || failed=1
exit $failed
