# Shell functions shared by the scripts of this folder. Sourced, never run:
#     . "$(dirname "$0")/lib.sh"
# Each step is one line with its time, on stderr; a failure is one line behind what the failed command
# said.
# shellcheck shell=sh disable=SC2034 # variables are for those who source it

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${MEMPROF_BUILD:-$root/build}
mkdir -p "$build"
jobs=$(nproc 2>/dev/null || echo 2)
LC_ALL=C.UTF-8
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_ROOT_USER_ACTION=ignore
export LC_ALL PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# What stands at the top of the script, but for its first line.
show_help() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
}

case ${1:-} in
--help | -h) show_help ;;
esac

# What a command of pip or apt-get said of sizes, as " (12.3 MB)" or nothing.
how_much() {
    awk '/(Downloading|Using cached) .*\([0-9.]+ [kM]B\)/ {
            size = $(NF - 1)
            sub(/^\(/, "", size)
            all += $NF ~ /^kB/ ? size / 1000 : size
        }
        END { if (all > 0) printf " (%.1f MB)", all }' "$1"
}

# quietly WHAT COMMAND...: names it, runs it, and says how long it took; shows what it said, and
# stops, only where it fails.
quietly() {
    quietly_what=$1
    shift
    quietly_log=$(mktemp "$build/log.XXXXXX")
    quietly_began=$(date +%s)
    printf '%s ... ' "$quietly_what" >&2
    if ! "$@" >"$quietly_log" 2>&1 </dev/null; then
        echo "failed" >&2
        tail -n 60 "$quietly_log" >&2
        rm -f "$quietly_log"
        die "failed: $quietly_what"
    fi
    echo "$(($(date +%s) - quietly_began)) s$(how_much "$quietly_log")" >&2
    rm -f "$quietly_log"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# What apt-get would load for these packages: " (12 packages, 34.5 MB)"; nothing where it cannot say.
size_of_packages() {
    apt-get --print-uris --yes --no-install-recommends install "$@" 2>/dev/null |
        awk '/^\047/ { n++; bytes += $3 }
            END { if (n > 0) printf " (%d package%s, %.1f MB)", n, n == 1 ? "" : "s", bytes / 1e6 }'
}

is_able_to_install() {
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1
}

# Stops where nobody here may install these, with what somebody else can do.
may_install() {
    command -v apt-get >/dev/null 2>&1 || die "install these, then try again: $*"
    is_able_to_install || die "you are neither root nor is there sudo, and these packages are" \
        "missing. What installs them, as root:
    apt-get install $*"
}

# install_packages NAME...: Debian packages. The index is fetched once per run. Another script that
# installs at the same time is waited for.
install_packages() {
    may_install "$@"
    if [ -z "${apt_updated:-}" ]; then
        quietly "apt-get update" as_root apt-get update
        apt_updated=1
    fi
    quietly "apt-get install $*$(size_of_packages "$@")" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "$@"
}

cmake_is_new_enough() {
    cmake --version 2>/dev/null | awk 'NR == 1 { split($3, v, ".")
        exit !(v[1] > 3 || (v[1] == 3 && v[2] >= 22)) } END { if (NR == 0) exit 1 }'
}

# Sets `missing` to the packages with a compiler, CMake, Ninja, gnuplot and Python that are not here.
find_missing() {
    missing=
    command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
    cmake_is_new_enough || missing="$missing cmake"
    ninja --version >/dev/null 2>&1 || missing="$missing ninja-build"
    gnuplot --version >/dev/null 2>&1 || missing="$missing gnuplot-nox"
    [ -n "${PYTHON:-}" ] || find_python || missing="$missing python3 python3-dev python3-venv"
}

install_missing() {
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install_packages $missing
}

# What builds and draws: installed only where it is missing.
need_tools() {
    find_missing
    install_missing
}

# The same, and cmocka.
need_build_tools() {
    find_missing
    command -v pkg-config >/dev/null 2>&1 || missing="$missing pkg-config"
    pkg-config --exists cmocka 2>/dev/null || missing="$missing libcmocka-dev"
    install_missing
}

# A browser for the tests of pages: where apt has none of it, they say so and are skipped.
add_browser() {
    command -v chromedriver >/dev/null 2>&1 && return
    command -v apt-get >/dev/null 2>&1 || return 0
    (is_able_to_install && install_packages chromium chromium-driver) ||
        echo "$(basename "$0"): no chromium: pages are not tested in a browser" >&2
}

# Whether a Python will do: 3.10 or newer, with headers and pip for its virtual environments.
python_is_usable() {
    "$1" - >/dev/null 2>&1 <<'CHECK'
import ensurepip, os, sys, sysconfig, venv
if sys.version_info < (3, 10) or sys.implementation.name != "cpython":
    sys.exit(1)
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
CHECK
}

# Sets `python` to the first usable one.
find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 \
        "$HOME"/.pyenv/versions/3.1[0-9]*/bin/python3 /usr/bin/python3; do
        if python_is_usable "$python"; then
            return
        fi
    done
    return 1
}

# Sets `python`: $PYTHON where it is set, else the first usable one, which is there behind
# need_tools and need_build_tools.
need_python() {
    if [ -n "${PYTHON:-}" ]; then
        python_is_usable "$PYTHON" ||
            die "\$PYTHON ($PYTHON) is no CPython >= 3.10 with headers and venv"
        python=$PYTHON
        return
    fi
    find_python || die "no CPython >= 3.10 with headers and venv; set PYTHON"
}

python_version() {
    "$1" -c 'import platform; print(platform.python_version())'
}

# make_venv PYTHON [PACKAGE...]: sets `venv` to build/venv-VERSION, or build/venv-VERSION-KIND where
# $venv_kind is set; made with what builds the project, and with PACKAGES.
make_venv() {
    make_venv_python=$1
    shift
    venv=$build/venv-$(python_version "$make_venv_python")${venv_kind:+-$venv_kind}
    if ! "$venv/bin/python" -c 'import scikit_build_core' >/dev/null 2>&1; then
        quietly "a virtual environment for $make_venv_python" \
            "$make_venv_python" -m venv --clear "$venv"
        quietly "pip install scikit-build-core" \
            "$venv/bin/python" -m pip install "scikit-build-core>=0.10"
    fi
    if [ $# -gt 0 ]; then
        quietly "pip install $*" "$venv/bin/python" -m pip install "$@"
    fi
}

# Packages that some tests use and skip without: a Python too new for one of them goes on.
add_optional_packages() {
    optional_log=$(mktemp "$build/log.XXXXXX")
    optional_began=$(date +%s)
    optional_missing=
    printf '%s ... ' "pip install $*" >&2
    for package in "$@"; do
        "$venv/bin/python" -m pip install --only-binary :all: "$package" \
            >>"$optional_log" 2>&1 </dev/null || optional_missing="$optional_missing $package"
    done
    echo "$(($(date +%s) - optional_began)) s$(how_much "$optional_log")" >&2
    rm -f "$optional_log"
    for package in $optional_missing; do
        echo "$(basename "$0"): no $package for $(python_version "$venv/bin/python")" >&2
    done
}

# install_project [SETTING=VALUE...]: builds the project, with these settings of scikit-build-core,
# and installs it into `venv`.
install_project() {
    for setting in "$@"; do
        set -- "$@" "--config-settings=$setting"
        shift
    done
    quietly "pip install of the project for $(python_version "$venv/bin/python")" \
        "$venv/bin/python" -m pip install --no-build-isolation --no-deps --force-reinstall \
        --config-settings=build-dir="$build/wheel-$(basename "$venv")" "$@" "$root"
}
