"""Writes docs/reference.md, docs/api.md, manual pages and completions from what the code says.

    python tools/reference [--check]

Run it with a Python in which memprof-native is installed as it is here, after an option or a
command has changed. --check writes nothing and ends with 1 where a file is not what it would be.
"""

from __future__ import annotations

import sys
from pathlib import Path

import api
import completions
import manual
import markdown
from tables import ROOT, all_commands


def contents() -> dict[Path, str]:
    """Where -> what; share/ is installed as it is."""
    mprof, python = all_commands()
    share = ROOT / "share"
    bash = share / "bash-completion/completions"
    fish = share / "fish/vendor_completions.d"
    return {
        ROOT / "docs/reference.md": markdown.reference(mprof, python),
        ROOT / "docs/api.md": api.api(),
        share / "man/man1/mprof.1": manual.mprof_page(mprof),
        share / "man/man1/memory_profiler.1": manual.memory_profiler_page(python),
        bash / "mprof": completions.bash_mprof(mprof),
        bash / "memory_profiler": completions.bash_python(python),
        share / "zsh/site-functions/_mprof": completions.zsh_mprof(mprof),
        share / "zsh/site-functions/_memory_profiler": completions.zsh_python(python),
        fish / "mprof.fish": completions.fish_mprof(mprof),
        fish / "memory_profiler.fish": completions.fish_python(python),
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__.strip())
        return 0 if arguments in (["-h"], ["--help"]) else 2
    old = []
    for path, text in contents().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(str(path.relative_to(ROOT)))
            if not arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in old:
        print(f"{name} {'is not current: python tools/reference' if arguments else 'written'}")
    return 1 if arguments and old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
